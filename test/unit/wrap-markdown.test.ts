// Long lines of generated Markdown.

import { expect, test } from 'vitest';
import { wrapped } from '../../reports/run/markdown.js';

const long = (word: string, count: number) => Array.from({ length: count }, () => word).join(' ');

test('prose is broken between words, within 120 characters, and loses none', () => {
  const text = long('word', 100);
  const lines = wrapped(text).split('\n');
  expect(lines.length).toBeGreaterThan(3);
  expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(120);
  expect(lines.join(' ')).toBe(text);
});

test('what belongs to an item or a quotation stays in it', () => {
  expect(wrapped(`- ${long('word', 30)}`)).toMatch(/^- word.*\n {2}word/);
  expect(wrapped(`12. ${long('word', 30)}`)).toMatch(/^12\. word.*\n {4}word/);
  expect(wrapped(`> ${long('word', 30)}`)).toMatch(/^> word.*\n> word/);
});

test('a paragraph with a long line is broken anew as one; a break that the author wants stays', () => {
  const lines = wrapped(`${long('word', 30)}\n${long('more', 10)}`).split('\n');
  expect(lines[1]).toMatch(/^word .* more$/);
  expect(wrapped(`${long('word', 30)}  \nmore`)).toMatch(/word {2}\nmore$/);
  expect(wrapped('short\nlines')).toBe('short\nlines');
});

test('no line begins with a mark that it did not begin with', () => {
  const text = `${long('-', 70)} ${long('1.', 40)} ${long('#', 40)}`;
  const begins = wrapped(`a ${text} b`).split('\n');
  expect(begins.filter(line => /^(-|1\.|#) /.test(line))).toEqual([]);
});

test('code, tables, headings and comments stay as they are', () => {
  const line = long('word', 40);
  const kept = [`| ${line} |`, `# ${line}`, `<!-- ${line} -->`, `    ${line}`, `\`\`\`\n${line}\n\`\`\``];
  for (const text of kept) expect(wrapped(text)).toBe(text);
  expect(wrapped(`${long('word', 22)} \`one piece of code\` ${long('word', 5)}`)).toContain('`one piece of code`');
  const fenced = `\`\`\`\`\n\`\`\`\n${line}\n\`\`\`\``;
  expect(wrapped(fenced)).toBe(fenced);
});
