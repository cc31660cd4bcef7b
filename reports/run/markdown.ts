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
