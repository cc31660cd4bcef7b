// Text from elsewhere in Markdown: nothing in it is markup, and nothing in it breaks the line.

import { printable } from '../../errors/show.js';

/** Within a line, or a cell of a table. */
export const inline = (text: string): string =>
  printable(text.replace(/\s+/g, ' '))
    .replaceAll('&', '&amp;')
    .replace(/([\\`*_[\]<>|#~!])/g, '\\$1');

/** Lines as they are, within a fence that is longer than any in them. */
export function block(text: string, language: string): string {
  const shown = text.split('\n').map(printable).join('\n');
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${shown}\n${fence}`;
}

/** Most characters of a line of prose. */
const WIDTH = 116;

/** Marks that would make a list, a heading or a quotation of the line that they begin. */
const MARK = /^(?:[-+*>]|#+|\d+[.)]|[=-]+)$/;

/**
 * A document whose long lines of prose are broken between words. Tables, headings, comments and code stay as they are, and
 * so does the meaning: a line that belongs to an item of a list is indented, and a piece of code is not broken.
 */
export function wrapped(markdown: string): string {
  let fence = '';
  const lines = markdown.split('\n').flatMap(line => {
    const [, ticks] = /^\s*(`{3,})/.exec(line) ?? [];
    if (ticks !== undefined && (fence === '' || ticks.length >= fence.length)) fence = fence === '' ? ticks : '';
    const prose = fence === '' && ticks === undefined && !/^(?:\s*\||#|<!--| {4})/.test(line);
    return prose && line.length > WIDTH ? brokenLine(line) : [line];
  });
  return lines.join('\n');
}

function brokenLine(line: string): string[] {
  const [begin] = /^\s*(?:(?:[-*+]|\d+[.)])\s+|>\s?)?/.exec(line)!;
  const indent = begin.includes('>') ? begin : ' '.repeat(begin.length);
  const words = line.slice(begin.length).match(/(?:`[^`]*`|[^\s`]|`)+/g) ?? [];
  const lines: string[][] = [[]];
  let length = begin.length;
  for (const word of words) {
    const last = lines.at(-1)!;
    if (last.length > 0 && length + word.length > WIDTH && !MARK.test(word)) {
      lines.push([word]);
      length = indent.length + word.length + 1;
    } else {
      last.push(word);
      length += word.length + 1;
    }
  }
  return lines.map((of, i) => (i === 0 ? begin : indent) + of.join(' '));
}
