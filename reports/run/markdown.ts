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

/** Most characters of a line of prose, and of one that is broken here. */
const LONGEST = 120;
const WIDTH = 116;

/** What begins an item of a list or a quotation. */
const BEGIN = /^\s*(?:(?:[-*+]|\d+[.)])\s+|>\s?)?/;

/** Words that would make a list, a heading or a quotation of the line that they begin. */
const MARK = /^(?:[-+*>]|#+|\d+[.)]|[=-]+)$/;

/** Lines that are no prose: empty ones, tables, headings, comments, indented code. */
const APART = /^(?:\s*$|\s*\||#|<!--| {4})/;

/**
 * A document whose paragraphs with a line of more than 120 characters are broken anew, between words. Tables, headings,
 * comments and code stay as they are, and so does the meaning: what belongs to an item of a list is indented, a piece of
 * code is not broken, and a line break that the author wants stays.
 */
export function wrapped(markdown: string): string {
  const result: string[] = [];
  let fence = '';
  let paragraph: string[] = [];
  const end = () => {
    result.push(...(paragraph.some(line => line.length > LONGEST) ? broken(paragraph) : paragraph));
    paragraph = [];
  };
  for (const line of markdown.split('\n')) {
    const [, ticks] = /^\s*(`{3,})/.exec(line) ?? [];
    if (ticks !== undefined || fence !== '' || APART.test(line)) {
      end();
      if (ticks !== undefined && ticks.length >= fence.length) fence = fence === '' ? ticks : '';
      result.push(line);
      continue;
    }
    const wanted = /(?: {2}|\\)$/.test(paragraph.at(-1) ?? '');
    if (wanted || BEGIN.exec(line)![0].trim() !== '') end();
    paragraph.push(line);
  }
  end();
  return result.join('\n');
}

function broken([first, ...rest]: readonly string[]): string[] {
  const [begin] = BEGIN.exec(first!)!;
  const indent = begin.includes('>') ? begin : ' '.repeat(begin.length);
  const text = [first!.slice(begin.length), ...rest.map(line => line.trimStart())].join(' ');
  const lines: string[][] = [[]];
  let length = begin.length;
  for (const word of text.match(/(?:`[^`]*`|[^\s`]|`)+/g) ?? []) {
    const last = lines.at(-1)!;
    if (last.length > 0 && length + word.length > WIDTH && !MARK.test(word)) {
      lines.push([word]);
      length = indent.length + word.length + 1;
    } else {
      last.push(word);
      length += word.length + 1;
    }
  }
  const [wanted] = / {2}$|$/.exec(text)!;
  return lines.map((of, i) => (i === 0 ? begin : indent) + of.join(' ') + (i === lines.length - 1 ? wanted : ''));
}
