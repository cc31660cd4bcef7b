// A study's table for people: Markdown, a page, lines of a terminal. JSON is the table itself.

import { scaleLinear } from 'd3-scale';
import { parseConfig } from '../../networks/config.js';
import type { Settings } from '../../train/study/settings.js';
import type { Spread, StudyTable, TableRow } from '../../train/study/table.js';
import { type Html, html, page } from '../html.js';
import { inline } from '../run/markdown.js';
import { settingsLists } from '../run/settings.js';

/** "0.8123 ± 0.0045"; of one run without a deviation. */
export function showSpread(spread: Spread | null | undefined, digits: number): string {
  if (!spread) return '–';
  const { mean, deviation } = spread;
  return deviation === null ? mean.toFixed(digits) : `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
}

/** What is shown of each row, behind its name. */
interface Shown {
  readonly title: string;
  readonly text: (row: TableRow) => string;
}

function shownOf({ columns, rows }: StudyTable): Shown[] {
  const [first] = columns;
  const gain: Shown = {
    title: `${first!.title} over ${rows[0]!.name}`,
    text: row => `${row.gain && row.gain.mean >= 0 ? '+' : ''}${showSpread(row.gain, first!.digits)}`,
  };
  const papers = columns.filter(({ key }) => rows.some(({ paper }) => paper?.[key] !== undefined));
  return [
    { title: 'runs', text: runsOf },
    ...columns.map(({ key, title, digits }) => ({
      title,
      text: (row: TableRow) => showSpread(row.cells[key], digits),
    })),
    ...(rows.some(row => row.gain !== null) ? [gain] : []),
    ...papers.map(({ key, title, digits }) => ({
      title: `${title}, paper`,
      text: ({ paper }: TableRow) => paper?.[key]?.toFixed(digits) ?? '–',
    })),
  ];
}

const runsOf = ({ done, of, diverged }: TableRow): string =>
  `${done === of ? of : `${done} of ${of}`}${diverged > 0 ? `, ${diverged} diverged` : ''}`;

/** GitHub's dialect. */
export function tableMarkdown(table: StudyTable): string {
  const shown = shownOf(table);
  const line = (cells: readonly string[]) => `| ${cells.map(inline).join(' | ')} |`;
  const head = line(['', ...shown.map(({ title }) => title)]);
  const body = table.rows.map(row => line([row.name, ...shown.map(({ text }) => text(row))]));
  const ruler = `|---|${shown.map(() => '---:').join('|')}|`;
  const notes = table.notes.map(note => `- ${inline(note)}\n`).join('');
  return `## ${inline(table.title)}\n\n${[head, ruler, ...body].join('\n')}\n\n${notes}`;
}

/** Columns side by side, for a terminal. */
export function tableText(table: StudyTable): string[] {
  const shown = shownOf(table);
  const lines = [
    ['', ...shown.map(({ title }) => title)],
    ...table.rows.map(row => [row.name, ...shown.map(({ text }) => text(row))]),
  ];
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map(cells => cells[i]!.length)));
  const show = (cells: readonly string[]) =>
    cells
      .map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [...lines.map(show), ...table.notes];
}

/** `settings`: what every row starts from, as of `completeSettings`. */
export function tablePage(table: StudyTable, settings: Settings): string {
  const { title, notes, columns, rows } = table;
  const [first] = columns;
  const shown = shownOf(table);
  const firsts = rows.flatMap(({ cells }) => cells[first!.key] ?? []);
  const values = firsts.flatMap(spread => spread.values);
  const best = Math.max(...firsts.map(({ mean }) => mean));
  const head = html`<tr><th></th><th class="text">${first!.title}, a dot a run</th>${shown.map(each => html`<th>${each.title}</th>`)}</tr>`;
  const body = rows.map(row => {
    const spread = row.cells[first!.key];
    const style = spread && rows.length > 1 && spread.mean === best ? 'best' : '';
    return html`<tr class="${style}"><th>${row.name}</th><td>${spread && dots(spread, values)}</td>${shown.map(({ text }) => html`<td>${text(row)}</td>`)}</tr>`;
  });
  return page(
    title,
    html`<header><h1>${title}</h1>${notes.map(note => html`<p class="lead">${note}</p>`)}</header>
<main><h2>Means and deviations over seeds</h2>
<div class="wide"><table><thead>${head}</thead><tbody>${body}</tbody></table></div>
<p class="note">± is the sample standard deviation over seeds; of a difference, that of the differences between runs of one seed. Bold: the highest mean. A difference smaller than its deviation says little.</p>
<h2>What every row starts from</h2>
${settingsLists(settings, parseConfig(settings.model, 'the study'))}</main>`,
  );
}

const STRIP = { width: 160, height: 18, edge: 6 } as const;

/** The runs of a row on the scale of all rows, with their mean. */
function dots({ values, mean }: Spread, all: readonly number[]): Html {
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const x = scaleLinear(low === high ? [low - 1, high + 1] : [low, high], [STRIP.edge, STRIP.width - STRIP.edge]);
  const at = (value: number) => Math.round(x(value) * 10) / 10;
  const middle = STRIP.height / 2;
  return html`<svg class="chart strip" viewBox="0 0 ${STRIP.width} ${STRIP.height}" role="img" aria-label="${values.map(v => v.toFixed(4)).join(', ')}"><line class="axis" x1="${STRIP.edge}" x2="${STRIP.width - STRIP.edge}" y1="${middle}" y2="${middle}"/><line class="mean" x1="${at(mean)}" x2="${at(mean)}" y1="2" y2="${STRIP.height - 2}"/>${values.map(value => html`<circle class="dot a faint" cx="${at(value)}" cy="${middle}" r="3.5"/>`)}</svg>`;
}
