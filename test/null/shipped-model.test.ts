// The files that the package ships for its demo and its default: intact, halves throughout, and the rounding of their original.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memorySource, openSafetensors, type SafetensorsTensor, toFloat32 } from '../../runtime/safetensors/index.js';

const original = '../shared/models/nano-128/model.safetensors';

async function tensorsOf(path: string): Promise<Map<string, SafetensorsTensor>> {
  const file = await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path));
  const tensors = new Map<string, SafetensorsTensor>();
  for await (const tensor of file.tensors()) tensors.set(tensor.name, tensor);
  return tensors;
}

/**
 * The half nearest to x, ties to even, as a number. Halves below 2^e lie 2^(e-11) apart, and 2^-24 apart under 2^-14, so
 * x is rounded in units of that. A second way to what assembly/src/half.ts does on bits.
 */
function nearestHalf(x: number): number {
  if (x === 0) return x;
  const unit = 2 ** Math.max(Math.floor(Math.log2(Math.abs(x))) - 10, -24);
  const scaled = x / unit;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return (floor + (up ? 1 : 0)) * unit;
}

describe('models/nano', () => {
  const folder = 'models/nano';
  const manifest = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8'));

  test('every file has the size and hash of its manifest', () => {
    expect(Object.keys(manifest.files).sort()).toEqual(['config.json', 'model.safetensors', 'vocab.txt']);
    for (const [name, { bytes, sha256 }] of Object.entries<{ bytes: number; sha256: string }>(manifest.files)) {
      const content = readFileSync(`${folder}/${name}`);
      expect(content.length, name).toBe(bytes);
      expect(createHash('sha256').update(content).digest('hex'), name).toBe(sha256);
    }
  });

  test('weights are finite halves, as the configuration says', async () => {
    expect(JSON.parse(readFileSync(`${folder}/config.json`, 'utf8'))).toMatchObject({
      dtype: 'fp16',
      name: 'nano-128',
    });
    const tensors = await tensorsOf(`${folder}/model.safetensors`);
    expect(tensors.size).toBe(278);
    for (const [name, tensor] of tensors) {
      expect(tensor.dtype, name).toBe('F16');
      expect(toFloat32(tensor).every(Number.isFinite), name).toBe(true);
    }
  });

  test.runIf(existsSync(original))('is the original rounded to nearest, ties to even', async () => {
    const [ours, theirs] = await Promise.all([tensorsOf(`${folder}/model.safetensors`), tensorsOf(original)]);
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [name, tensor] of ours) {
      const source = theirs.get(name)!;
      expect(tensor.shape, name).toEqual(source.shape);
      const [got, from] = [toFloat32(tensor), toFloat32(source)];
      const wrong = got.findIndex((value, i) => value !== nearestHalf(from[i]!));
      expect(wrong, `${name}: index of the first badly rounded weight`).toBe(-1);
    }
  });

  test('nearestHalf: no half lies nearer', () => {
    fc.assert(
      fc.property(fc.float({ min: -60000, max: 60000, noNaN: true }), x => {
        const y = nearestHalf(x);
        const unit = 2 ** Math.max(Math.floor(Math.log2(Math.abs(x) || 1)) - 10, -24);
        expect(Math.abs(x - y)).toBeLessThanOrEqual(unit / 2);
      }),
    );
    // 1 + 2^-11 is halfway between 1 and 1 + 2^-10; 1 + 3 * 2^-11 between that and the next, whose last bit is even.
    expect(nearestHalf(1 + 2 ** -11)).toBe(1);
    expect(nearestHalf(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
    expect(nearestHalf(2 ** -25)).toBe(0);
  });
});

test('samples: at most four images, each with its sentence and attribution', () => {
  const samples: { file: string; text: string; id: string; attribution: string }[] = JSON.parse(
    readFileSync('samples/samples.json', 'utf8'),
  );
  expect(samples.map(sample => sample.file).sort()).toEqual(
    readdirSync('samples')
      .filter(name => name.endsWith('.jpg'))
      .sort(),
  );
  expect(samples.length).toBeLessThanOrEqual(4);
  for (const sample of samples) {
    expect(sample.text).toMatch(/polyp/);
    expect(sample.attribution).toContain('CC BY 4.0');
    expect(readFileSync(`samples/${sample.file}`).subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
  }
});
