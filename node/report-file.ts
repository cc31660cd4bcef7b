// Routine reports in files of plain text.

import { check } from '../errors/index.js';
import { LONGEST_REPORT, type RoutineReport, readReport } from '../language/reports/index.js';
import { readText } from './disk/read-file.js';

export interface ReportFile extends RoutineReport {
  readonly text: string;
}

/** Reads a report; `where` is the command. Errors: FILE_NOT_FOUND, FILE_UNREADABLE (also no UTF-8, too large), TEXT_EMPTY, ABORTED. */
export async function readReportFile(path: string, where: string, signal: AbortSignal): Promise<ReportFile> {
  const text = await readText(path, {
    rule: `${where}: a report must be a file of plain text`,
    advice: 'save one report as text in UTF-8',
    limit: LONGEST_REPORT,
    signal,
  });
  check(
    /\S/.test(text),
    'TEXT_EMPTY',
    `${where}: a report must have words, got none at ${path}; save one report as text in UTF-8`,
  );
  return { text, ...readReport(text) };
}
