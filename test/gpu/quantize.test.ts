// `quantize` on a device: folders that a session opens, what the rules keep in f32, and a budget that is not met.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { openModelFolder } from '../../formats/model-folder/index.js';
import { type SafetensorsTensor, tensorOf, toFloat32 } from '../../formats/safetensors/index.js';
import { fillStream } from '../../formats/weights/name-seeded-parameters.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { inspectForward, openSession } from '../../node/index.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { writeModelFolder } from '../../node/model-folder/model-writer.js';
import { type QuantizeReport, quantize } from '../../quantize/index.js';
import { loadGolden } from '../golden.js';

const golden = await loadGolden('test/fixtures/golden/micro');
const root = await mkdtemp(join(tmpdir(), 'tmca-quantize-'));
afterAll(() => rm(root, { recursive: true }));

const options = (to: 'fp16' | 'int8', out: string) => ({ to, out: join(root, out), package: 'test@0' });

/** The micro network from `fill`, some of its parameters changed. */
async function model(name: string, change: (name: string, values: Float32Array) => Float32Array = (_, v) => v) {
  const config = parseConfig(JSON.parse(await readFile(`${golden.folder}/config.json`, 'utf8')), 'micro');
  const vocabSize = Network.of(config).text!.vocabSize;
  const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'one', 'small', 'pink', 'polyp'];
  const vocab = Array.from({ length: vocabSize }, (_, i) => words[i] ?? `word${i}`).join('\n');
  const tensors = [];
  for await (const tensor of fillStream(Network.of(config).parameters).tensors()) {
    const { bytes, ...changed } = tensorOf(tensor.name, tensor.shape, change(tensor.name, toFloat32(tensor)));
    tensors.push({ ...changed, load: async () => bytes });
  }
  await writeModelFolder(
    join(root, name),
    { config, vocab: new TextEncoder().encode(vocab), tensors },
    { package: 'test@0' },
  );
  return join(root, name);
}

async function tensorsOf(folder: string): Promise<Map<string, SafetensorsTensor>> {
  const opened = await openModelFolder(folder, nodeIo);
  const tensors = new Map<string, SafetensorsTensor>();
  for await (const tensor of opened.weights.tensors()) tensors.set(tensor.name, tensor);
  return tensors;
}

const dtypes = (tensors: ReadonlyMap<string, SafetensorsTensor>) => [
  ...new Set([...tensors.values()].map(t => t.dtype)),
];

describe('a model that f16 holds', async () => {
  const source = await model('source');

  test.each([
    { to: 'fp16', cosine: 0.99999, stored: ['F16'] },
    { to: 'int8', cosine: 0.999, stored: ['F32', 'F16', 'I8'] },
  ] as const)('$to: a folder that runs, with its report', async ({ to, cosine, stored }) => {
    const report = await quantize(source, options(to, to));
    const out = join(root, to);
    expect((await readdir(out)).sort()).toEqual([
      ...['config.json', 'manifest.json', 'model.safetensors'],
      ...['quantize-report.html', 'quantize-report.json', 'vocab.txt'],
    ]);
    expect(JSON.parse(await readFile(join(out, 'quantize-report.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(report)),
    );
    expect(dtypes(await tensorsOf(out))).toEqual(stored);
    expect(report.bytes.after / report.bytes.before).toBeLessThan(to === 'fp16' ? 0.501 : 0.36);
    expect(report.end_to_end.logits.cosine).toBeGreaterThan(cosine);
    for (const { layer, cosine: own } of report.layers) expect(own, layer).toBeGreaterThan(0.995);
    expect([report.findings, report.budget.met, report.end_to_end.dice]).toEqual([[], null, null]);
    expect(report.examples).toMatchObject({ of: 'the samples of this package', text: 'sentences' });
    const session = await openSession(out, { device: 'webgpu' });
    try {
      expect(session.info.dtype).toBe(to);
      expect((await session.encodeReport('one small pink polyp')).ids.length).toBe(6);
    } finally {
      session.dispose();
    }
  });

  test('int8 once more is refused, and nothing is written', async () => {
    await expect(quantize(join(root, 'int8'), options('fp16', 'again'))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('quantize: the source must be fp32 or fp16, got'),
    });
    await expect(quantize(source, { ...options('fp16', 'x'), out: source })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
    });
    expect(await readdir(root)).not.toContain('again');
  });

  test('a budget that is not met: its error, and no folder', async () => {
    const data = join(root, 'data');
    await mkdir(data);
    // Not of one colour: a flat picture has no lesion.
    const raw = { width: 40, height: 30, channels: 3 as const };
    const colours = Buffer.from(Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 7) % 200));
    await sharp(colours, { raw }).png().toFile(join(data, 'image.png'));
    const marked = sharp({ create: { ...raw, background: '#fff' } });
    await marked.toColourspace('b-w').png().toFile(join(data, 'mask.png'));
    const record = { id: 'a', image: 'image.png', mask: 'mask.png', split: 'test', text: 'one small polyp' };
    await writeFile(join(data, 'dataset.json'), JSON.stringify({ name: 'One', records: [record] }));
    const scored = await quantize(source, { ...options('fp16', 'scored'), data });
    expect(scored.end_to_end.dice).toMatchObject({ n: 1, data: 'One', split: 'test', empty_flips: 0 });
    expect(scored.budget).toEqual({ max_dice_drop: 0.002, met: true });
    // no drop is as low as that: the budget cannot be met
    const strict = quantize(source, { ...options('int8', 'strict'), data, maxDiceDrop: -1 });
    await expect(strict).rejects.toMatchObject({
      code: 'ACCURACY_LOST',
      message: expect.stringMatching(
        /^quantize: int8 must not cost more than -1 of Dice, got [\d.-]+ .*nothing was written/,
      ),
    });
    expect((await readdir(root)).filter(name => name.includes('strict'))).toEqual([]);
  });
});

describe('what f16 does not hold', () => {
  const row = (report: QuantizeReport, kind: string) => report.findings.filter(f => f.kind === kind);

  test('is named and kept: a weight in F32, activations of the whole network in f32', async () => {
    const name = 'decoder.blocks.0.upsample.weight';
    // the pointwise layer's output grows past f16, and the layer after it shrinks it again
    const at = 'image_encoder.encoder.stages.0.layers.0.pwconv';
    const source = await model('large', (parameter, values) => {
      if (parameter === name) return values.map((v, i) => (i === 5 ? 7e4 : v));
      if (parameter === `${at}1.weight`) return values.map(v => v * 4e4);
      return parameter === `${at}2.weight` ? values.map(v => v / 4e4) : values;
    });
    const report = await quantize(source, options('fp16', 'large-fp16'));
    const own = {
      layer: name,
      value: 7e4,
      limit: 65504,
      rule: 'its largest magnitude, 70000.0, is beyond 65504; stored as fp32',
    };
    const small = { layer: `${at}2.weight`, rule: expect.stringMatching(/too small/) };
    expect(row(report, 'weight')).toMatchObject([small, own]);
    expect(row(report, 'activation').map(({ layer }) => layer)).toContain(`${at}1`);
    expect(row(report, 'gelu').map(({ layer }) => layer)).toEqual([`${at}1`]);
    expect(report.activations).toBe('fp32');
    expect(report.end_to_end.logits.cosine).toBeGreaterThan(0.999);
    expect((await tensorsOf(join(root, 'large-fp16'))).get(name)!.dtype).toBe('F32');
    const out = join(root, 'large-fp16');
    expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({
      dtype: 'fp16',
      activations: 'fp32',
    });
    const { forward } = golden;
    const inputs = { image: forward.get('image')!, ids: forward.get('ids')!, mask: forward.get('mask')! };
    const { outputs, info } = await inspectForward(out, inputs, { device: 'webgpu' });
    expect(info.reason).toContain('which f16 cannot hold');
    expect(outputs.logits!.data.every(Number.isFinite)).toBe(true);
  });
});
