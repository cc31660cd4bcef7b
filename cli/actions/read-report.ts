// `tmca read-report`: findings of routine reports, with the words that they come from.

import type { Finding } from '../../language/reports/index.js';
import { type ReportFile, readReportFile } from '../../node/report-file.js';
import type { Context } from '../context.js';

export interface ReadReportOptions {
  readonly json?: boolean;
}

/** All files are read before anything is printed: one that cannot be read leaves no half of a list. */
export async function readReports(
  files: readonly string[],
  { json }: ReadReportOptions,
  { console, io }: Context,
): Promise<void> {
  const reports: ReportFile[] = [];
  for (const file of files) reports.push(await readReportFile(file, 'read-report', io.signal));
  if (json) {
    await console.json(reports.map(({ findings, prompts }, i) => ({ file: files[i], findings, prompts })));
    return;
  }
  await console.print(reports.flatMap((report, i) => linesOf(files[i]!, report)));
}

function linesOf(file: string, { text, findings, prompts }: ReportFile): string[] {
  const points = [...text];
  const quoted = (finding: Finding) =>
    finding.evidence.map(([start, end]) => `"${points.slice(start, end).join('').replace(/\s+/g, ' ')}"`).join(' … ');
  const head = `${file}: ${findings.length === 0 ? 'no finding' : findings.length === 1 ? '1 finding' : `${findings.length} findings`}`;
  return [
    head,
    ...findings.flatMap((finding, i) => [
      `  ${i + 1}: ${describe(finding)}`,
      `     prompt: ${prompts[i]}`,
      `     from: ${quoted(finding)}`,
    ]),
  ];
}

function describe({ kind, count, size, size_mm, colour, shape, place_in_image, anatomy, certain }: Finding): string {
  const said = [size, size_mm === null ? null : `${size_mm} mm`, colour, shape, place_in_image, anatomy];
  return [`${kind} x ${count}`, ...said, certain ? null : 'uncertain'].filter(Boolean).join(', ');
}
