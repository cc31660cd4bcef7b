// Model cards: what they say, and when they say nothing.

import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inline } from '../../reports/run/markdown.js';
import { type RunInfo, writeRunInfo } from '../../train/run-files/index.js';
import { call } from './cli-fakes.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-card-'));
});
afterEach(() => rm(folder, { recursive: true }));

const network = { name: 'small|one', image_size: 32, depths: [1, 1, 1, 1], dims: [8, 8, 16, 16], vocab_size: 13 };
const text = {
  text_layers: 3,
  text_dim: 8,
  text_heads: 2,
  text_ffn: 16,
  max_positions: 16,
  heads: 2,
  head_channels: 4,
};

const info = (more: Partial<RunInfo> = {}): RunInfo => ({
  package: 'tmca-edge@0.0.0',
  command: 'tmca train --data polyps --out run --config `x`',
  data: { folder: 'polyps', name: 'Polyps [1]', records: { train: 800, val: 100 } },
  device: { adapter: 'Test adapter', software: true, dtype: 'fp32' },
  seed: 7,
  config: { epochs: 100, lr: 0.5, text_override: null },
  started: '2026-01-01T00:00:00Z',
  ended: { at: '2026-01-01T01:00:00Z', why: 'all 2 epochs' },
  ...more,
});

const scores = (dice: number) => ({ dice, iou: 0.5, accuracy: 0.75, mean_dice: 0.625, mean_iou: 0.5 });
const evaluation = (dice: number, more: object = {}) => ({
  ...{ n: 3, ...scores(dice), without: { corner_artefact: { n: 2, ...scores(0.25) } } },
  per_image: [0, 0.75, 0.875].map((d, i) => ({ id: `r${i}`, dice: d, iou: d, accuracy: d, target: 0.1 })),
  ...{ device: 'webgpu', dtype: 'fp16', data: 'Polyps [1]', split: 'test', model: 'small|one', hash: 'aa'.repeat(32) },
  adapter: { vendor: 'v', architecture: '', description: 'Another adapter', software: true, features: [] },
  ...{ size: 32, threshold: 0.5, ...more },
});

async function run(name: string, about: RunInfo, scored: object | null): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  const json = (file: string, content: object) => writeFile(join(path, file), JSON.stringify(content));
  await json('config.json', { ...network, ...text });
  await writeRunInfo(path, about);
  const lines = [
    { kind: 'step', step: 1, epoch: 0, loss: 1 },
    { kind: 'epoch', step: 10, epoch: 0, val_dice: 0.75 },
    { kind: 'epoch', step: 20, epoch: 1, val_dice: 0.5 },
  ];
  await writeFile(join(path, 'metrics.jsonl'), lines.map(line => `${JSON.stringify(line)}\n`).join(''));
  if (scored) await json('evaluation-test.json', scored);
  return path;
}

const card = (path: string, ...more: string[]) => call(['card', path, ...more]);
const polyp = () => info({ command: 'tmca train --config polyp.json', config: { text_override: 'polyp' } });

test('network, scores with and without marked records, recipe, data', async () => {
  const path = await run('run', info(), evaluation(0.75));
  const { code, stdout, stderr } = await card(path);
  expect([code, stdout, stderr]).toEqual([0, `${join(path, 'README.md')}\n`, '']);
  const said = await readFile(join(path, 'README.md'), 'utf8');
  expect(said).toContain('# small\\|one\n');
  expect(said).toContain('not a medical device');
  expect(said).toContain('| image encoder | ConvNeXt, depths 1-1-1-1, widths 8-8-16-16 |');
  expect(said).toContain(
    'target-informed (TSDM) at G, 32, 16, 8, weight 1, temperatures 0.1 and 0.1; enhancement (LTEM) on, temperature 1, mean1, multiply |',
  );
  expect(said).toContain('Polyps \\[1\\], split “test”, probability 0.5; webgpu, fp16, on Another adapter.');
  expect(said).toContain('| all 3 images | 0.7500 | 0.5000 | 0.6250 | 0.5000 | 0.7500 |');
  expect(said).toContain('| 2 images without corner\\_artefact | 0.2500 |');
  expect(said).toContain('from a Dice of 0.00 to 0.88: 1 of the 3 are under 0.5, 1 at or over 0.8.');
  expect(said).toContain('- all 2 epochs\n- the model is that of epoch 1, chosen by its validation Dice of 0.7500');
  expect(said).toContain('- seed 7, fp32, on Test adapter (software)');
  expect(said).toContain(
    `\`\`\`bash\ntmca train --data polyps --out run --config \`x\`\ntmca evaluate --data polyps --split test --model ${path} --device webgpu --dtype fp16\n\`\`\``,
  );
  expect(said).toContain('```json\n{\n  "lr": 0.5\n}\n```');
  expect(said).toContain('800 for train, 100 for val; the scores are of “test”, records that training has not seen.');
  expect(said).toContain('The terms of the data are not stated here.');
  expect(said).not.toContain('Language is worth');
});

const WAY = { ...scores(0.5), n: 3, truncated: 0 };
const ways = (more: object = {}) => {
  const { per_image: _, without: __, ...subject } = evaluation(0.75);
  const rows = [
    { ...WAY, name: 'full', example: 'one *small* polyp' },
    { ...WAY, ...scores(0.25), name: 'none', example: null },
  ];
  return { ...subject, rows, fit: { auroc_other: null, auroc_swapped: null }, ...more };
};

test('what it scores by what it is told comes first, from the folder or from a file', async () => {
  const path = await run('run', info(), evaluation(0.75));
  const kept = join(path, 'sentences-test.json');
  await writeFile(kept, JSON.stringify(ways()));
  expect((await card(path)).code).toBe(0);
  const said = await readFile(join(path, 'README.md'), 'utf8');
  const row = '| the whole caption | 3 | 0.5000 | 0.6250 | “one \\*small\\* polyp” |';
  expect(said).toContain(row);
  expect(said).toContain('| nothing, or the class word | 3 | 0.2500 | 0.6250 | nothing |');
  expect(said.indexOf('## By what it is told')).toBeLessThan(said.indexOf('## Scores'));
  const file = join(folder, 'ways.json');
  await rename(kept, file);
  expect((await card(path)).code).toBe(0);
  expect(await readFile(join(path, 'README.md'), 'utf8')).not.toContain('By what it is told');
  expect((await card(path, '--sentences', file)).code).toBe(0);
  expect(await readFile(join(path, 'README.md'), 'utf8')).toContain(row);
  const files = { 'model.safetensors': { bytes: 1, sha256: 'aa'.repeat(32) } };
  await writeFile(join(path, 'manifest.json'), JSON.stringify({ package: 'p', created: 'now', files }));
  await writeFile(file, JSON.stringify(ways({ hash: 'bb'.repeat(32) })));
  expect((await card(path, '--sentences', file)).stderr).toMatch(/^error \[MANIFEST_MISMATCH\]: writeCard: the scores/);
  await writeFile(file, JSON.stringify(evaluation(0.5)));
  expect((await card(path, '--sentences', file)).stderr).toMatch(/^error \[CONFIG_INVALID\]: readSentences: /);
});

test('beside the same recipe without language, and what that is worth', async () => {
  const path = await run('run', info(), evaluation(0.75));
  const other = await run('polyp', polyp(), evaluation(0.5, { text: 'polyp' }));
  const terms = join(folder, 'terms.md');
  await writeFile(terms, 'CC BY 4.0, see *there*.\n');
  expect((await card(path, '--without-text', other, '--terms', terms)).code).toBe(0);
  const said = await readFile(join(path, 'README.md'), 'utf8');
  expect(said).toContain('| every text “polyp”: all 3 images | 0.5000 |');
  expect(said).toContain('Language is worth +0.2500 Dice over all pixels');
  expect(said).toContain('--config `x`\ntmca train --config polyp.json\n');
  expect(said).toContain('CC BY 4.0, see *there*.');
  // a card replaces a card, and text given itself is text
  expect((await card(path, '--terms', 'For research.')).code).toBe(0);
  expect(await readFile(join(path, 'README.md'), 'utf8')).toContain('\n\nFor research.\n');
});

test('of the folder made from a run, by scores of its own', async () => {
  const path = await run('run', info(), null);
  const half = join(folder, 'half');
  await mkdir(half);
  await writeFile(join(half, 'config.json'), JSON.stringify({ ...network, ...text, dtype: 'fp16' }));
  const file = join(folder, 'half.json');
  await writeFile(file, JSON.stringify(evaluation(0.5)));
  const { json } = await card(path, '--model', half, '--scores', file, '--json');
  expect(json).toEqual({ card: join(half, 'README.md') });
  expect(await readFile(join(half, 'README.md'), 'utf8')).toContain('| weights | fp16 |');
});

test('no text that is not a card is replaced', async () => {
  const path = await run('run', info(), evaluation(0.75));
  await writeFile(join(path, 'README.md'), '# My own\n');
  const { code, stderr } = await card(path);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /BAD_ARGUMENT.*writeCard: .*README.md must be a card of tmca card to be replaced, got another text/,
  );
  expect(await readFile(join(path, 'README.md'), 'utf8')).toBe('# My own\n');
  expect((await card(path, '--out', join(folder, 'card.md'))).code).toBe(0);
});

test('scores of other weights are refused', async () => {
  const path = await run('run', info(), evaluation(0.75));
  const sha256 = 'bb'.repeat(32);
  const files = { 'model.safetensors': { bytes: 1, sha256 } };
  await writeFile(join(path, 'manifest.json'), JSON.stringify({ package: 'p', created: 'now', files }));
  expect((await card(path)).stderr).toMatch(
    /MANIFEST_MISMATCH.*got scores of aaaaaaaaaaaa… for weights bbbbbbbbbbbb…; make them anew/,
  );
});

test.each<[string, () => Promise<string[]>, RegExp]>([
  ['no run', async () => [folder], /FILE_NOT_FOUND.*must hold run.json, got none/],
  [
    'no scores',
    async () => [await run('run', info(), null)],
    /FILE_NOT_FOUND.*must be scores of tmca evaluate --json or tmca report, got no file/,
  ],
  [
    'scores that are none',
    async () => [await run('run', info(), { n: 3 })],
    /CONFIG_INVALID.*got undefined for dice; make them anew/,
  ],
  [
    'another run that has its texts',
    async () => [
      await run('run', info(), evaluation(0.75)),
      ...['--without-text', await run('other', info(), evaluation(0.5))],
    ],
    /BAD_ARGUMENT.*must have text_override and scores with it, got a run with its own texts/,
  ],
  [
    'another run that is scored on other data',
    async () => [
      await run('run', info(), evaluation(0.75)),
      ...['--without-text', await run('other', polyp(), evaluation(0.5, { text: 'polyp', data: 'X' }))],
    ],
    /BAD_ARGUMENT.*scored on the same data, got X and Polyps \[1\]/,
  ],
])('%s', async (_, argv, message) => {
  const { code, stderr } = await call(['card', ...(await argv())]);
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
});

test('what stands in a line stays in it', () => {
  expect(inline('a|b\n# c `d` <e> [f](g) *h* _i_ \\')).toBe(
    'a\\|b \\# c \\`d\\` \\<e\\> \\[f\\](g) \\*h\\* \\_i\\_ \\\\',
  );
});

test('of a network that reads no sentence, nothing is said of sentences', async () => {
  const path = await run('run', info({ config: { epochs: 100 } }), evaluation(0.75));
  const unet = { network: 'unet', name: 'small', image_size: 32, channels: [8, 16] };
  await writeFile(join(path, 'config.json'), JSON.stringify(unet));
  expect((await card(path)).code).toBe(0);
  const said = await readFile(join(path, 'README.md'), 'utf8');
  expect(said).toContain('- It has seen images of one data set, and nothing else.\n');
  expect(said).not.toMatch(/sentence|words/);
});
