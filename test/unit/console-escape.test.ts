// Names and texts of files on a screen, in a pipe, in HTML and Markdown: none moves the cursor, forges a line or is markup.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Console } from '../../cli/console.js';
import { TmcaError } from '../../errors/index.js';
import { printable, show } from '../../errors/show.js';
import { escapeHtml } from '../../reports/html.js';
import { block, inline } from '../../reports/run/markdown.js';
import { tableMarkdown, tableText } from '../../reports/study/study-table.js';
import type { StudyTable } from '../../train/study/table.js';
import { call } from './cli-fakes.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-escape-'));
});
afterEach(() => rm(folder, { recursive: true }));

// clears the screen, sets the title (C0 and C1), forges a line, turns the direction of writing
const EVIL = 'a\x1b[2J\x9b2Jb\x1b]0;title\x07c\r\nerror [INTERNAL]: forged\u202ed\u2028e';
const HARMFUL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/u;

function collect() {
  const said = { stdout: '', stderr: '', terminal: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: async (text: string) => {
      said[name] += text;
    },
  });
  const terminal = { write: (text: string) => (said.terminal += text) } as unknown as NodeJS.WriteStream;
  const io = {
    stdin: (async function* () {})(),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    signal: AbortSignal.abort(),
  };
  return { said, console: new Console({ ...io, terminal: null }), onTerminal: new Console({ ...io, terminal }) };
}

describe('the console', () => {
  test('everything that is printed is escaped, a line a line', async () => {
    const { said, console } = collect();
    await console.print(EVIL);
    await console.print(['x', EVIL]);
    await console.tell(EVIL);
    await console.warn(EVIL);
    await console.error(new TmcaError('BAD_ARGUMENT', EVIL));
    await console.error(new Error(EVIL));
    for (const [text, lines] of [
      [said.stdout, 3],
      [said.stderr, 4],
    ] as const) {
      expect(text.split('\n')).toHaveLength(lines + 1);
      expect(text.replaceAll('\n', '')).not.toMatch(HARMFUL);
    }
    expect(said.stdout).toContain('a\\u001b[2J\\u009b2Jb');
  });

  test('progress and loading on a terminal', () => {
    const { said, onTerminal } = collect();
    const loading = onTerminal.loading(EVIL);
    loading.report({ phase: 'weights', loaded: 1, total: 2 });
    loading.end();
    expect(said.terminal.replaceAll('\r\x1b[K', '')).not.toMatch(HARMFUL);
  });

  test('JSON stays JSON, of the same value', async () => {
    const { said, console } = collect();
    await console.json({ [EVIL]: [EVIL, 1] });
    expect(JSON.parse(said.stdout)).toEqual({ [EVIL]: [EVIL, 1] });
    expect(said.stdout.replaceAll('\n', '')).not.toMatch(HARMFUL);
  });

  test('any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => !HARMFUL.test(printable(text)) && !HARMFUL.test(show(text))),
    );
    expect(printable('Größe 息肉 👩‍⚕️')).toBe('Größe 息肉 👩‍⚕️');
  });
});

describe('commands', () => {
  test('a data set, a vocabulary, a file name and a lock host', async () => {
    await writeFile(
      join(folder, 'dataset.json'),
      JSON.stringify({ records: [{ id: EVIL, image: EVIL, split: EVIL, text: EVIL }] }),
    );
    const odd = join(folder, 'x\x1b[31m\ny.txt');
    await writeFile(odd, `${EVIL}\n`);
    const run = join(folder, 'run');
    await mkdir(run);
    for (const argv of [
      ['evaluate', '--data', folder, '--device', 'wasm'],
      ['evaluate', '--data', `${folder}/${EVIL}`],
      ['tokenize', '--vocab', odd],
      ['preprocess', odd, '--size', '4', '--normalize', 'none', '--out', join(folder, 'o')],
      [EVIL],
      ['train', '--data', folder, '--out', folder, '--epochs', EVIL],
    ]) {
      const { stderr, code } = await call(argv);
      expect(code).toBeGreaterThan(0);
      expect(stderr).toMatch(/^error \[[A-Z_]+\]: [^\n]*\n$/);
      expect(stderr.trimEnd()).not.toMatch(HARMFUL);
    }
  });

  test('the table of a study', () => {
    const table = {
      title: EVIL,
      notes: [EVIL],
      columns: [{ key: 'dice', title: 'Dice', digits: 3 }],
      rows: [{ name: `<img src=x>|${EVIL}`, done: 1, of: 1, diverged: 0, cells: {}, gain: null }],
    } as unknown as StudyTable;
    const markdown = tableMarkdown(table);
    expect(markdown.replaceAll('\n', '')).not.toMatch(HARMFUL);
    expect(markdown).toContain('\\<img src=x\\>\\|a');
    expect(markdown.split('\n').filter(line => line.startsWith('|'))).toHaveLength(3);
    // the console prints a line for each of these
    expect(tableText(table)).toHaveLength(3);
  });
});

describe('Markdown and HTML', () => {
  test('inline text is no markup', () => {
    expect(inline('<b>x</b> [a](javascript:b) `c` | d ![e](f) &lt;\n# g')).toBe(
      '\\<b\\>x\\</b\\> \\[a\\](javascript:b) \\`c\\` \\| d \\!\\[e\\](f) &amp;lt; \\# g',
    );
    expect(inline(EVIL)).not.toMatch(HARMFUL);
  });
  test('a block cannot be left', () => {
    const text = block('a\n```\n<script>\x1b[2J\u202e', 'bash');
    expect(text).toBe('````bash\na\n```\n<script>\\u001b[2J\\u202e\n````');
  });
  test('HTML', () => {
    expect(
      escapeHtml(`<p title="x">'&${EVIL}`)
        .replace(/[\r\n]/g, '')
        .replaceAll('\u2028', ''),
    ).not.toMatch(HARMFUL);
    expect(escapeHtml('<p>')).toBe('&lt;p&gt;');
  });
});
