import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteCursor } from '../../formats/safetensors/cursor.js';
import {
  encodeSafetensors,
  memorySource,
  openSafetensors,
  parseHeader,
  type SafetensorsDType,
  type SafetensorsTensor,
  tensorOf,
  toFloat32,
  WIDTH,
} from '../../formats/safetensors/index.js';
import type { Progress } from '../../runtime/types.js';
import { entry, failure, rawFile } from './raw-safetensors.js';

const parse = (file: Uint8Array) => parseHeader(file, file.length, 'good.safetensors');

async function readAllTensors(bytes: Uint8Array): Promise<SafetensorsTensor[]> {
  const read: SafetensorsTensor[] = [];
  for await (const tensor of (await openSafetensors(memorySource(bytes))).tensors()) read.push(tensor);
  return read;
}

describe('accepted', () => {
  test('no tensors at all', () => {
    expect(parse(rawFile('{}'))).toMatchObject({ dataStart: 10, dataBytes: 0 });
    expect(parse(rawFile('{}')).tensors.size).toBe(0);
  });

  test('padding with spaces', () => {
    const file = rawFile(`{${entry('w', 'F32', '[1]', '[0,4]')}}     `, 4);
    expect(parse(file).tensors.get('w')).toEqual({ dtype: 'F32', shape: [1], begin: 0, end: 4 });
  });

  test('scalars and tensors without elements, also between others', () => {
    const entries = [
      entry('z', 'F32', '[2]', '[4,12]'),
      entry('empty', 'F16', '[3,0,5]', '[4,4]'),
      entry('scalar', 'F32', '[]', '[0,4]'),
    ];
    expect([...parse(rawFile(`{${entries.join(',')}}`, 12)).tensors.keys()]).toEqual(['scalar', 'empty', 'z']);
  });

  test('a 0 that ends a product before it is too large', () => {
    expect(parse(rawFile(`{${entry('w', 'U8', '[0,9007199254740991,9007199254740991]', '[0,0]')}}`)).dataBytes).toBe(0);
  });

  test('names that objects are made of are names like any other', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '32', 'ünïcödé.weight'];
    const file = encodeSafetensors(names.map((name, i) => tensorOf(name, [1], Float32Array.of(i))));
    const { tensors, metadata } = parse(file);
    expect([...tensors.keys()]).toEqual(names);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
    expect(metadata.constructor).toBeUndefined();
  });

  test('metadata, __proto__ included', () => {
    const { metadata } = parse(rawFile('{"__metadata__":{"format":"pt","__proto__":"x"}}'));
    expect(Object.entries(metadata)).toEqual([
      ['format', 'pt'],
      ['__proto__', 'x'],
    ]);
  });

  test('every dtype of the format', () => {
    for (const [dtype, width] of Object.entries(WIDTH)) {
      expect(parse(rawFile(`{${entry('w', dtype, '[3]', `[0,${3 * width}]`)}}`, 3 * width)).dataBytes).toBe(3 * width);
    }
  });

  test('keys of an entry that the format may gain', () => {
    expect(parse(rawFile('{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"new":1}}')).tensors.size).toBe(1);
  });
});

describe('writing and reading again', () => {
  const tensor = fc
    .record({
      name: fc.string({ unit: 'binary', maxLength: 12 }).filter(name => name !== '__metadata__'),
      dtype: fc.constantFrom(...(Object.keys(WIDTH) as SafetensorsDType[])),
      shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
      seed: fc.nat({ max: 255 }),
    })
    .map(({ name, dtype, shape, seed }): SafetensorsTensor => {
      const length = shape.reduce((n, dim) => n * dim, WIDTH[dtype]);
      return { name, dtype, shape, bytes: Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255) };
    });
  const byName = (tensors: readonly SafetensorsTensor[]) =>
    new Map(tensors.map(({ name, dtype, shape, bytes }) => [name, { dtype, shape, bytes: [...bytes] }]));

  test('keeps every tensor and all metadata, each tensor aligned in the file', async () => {
    const tensors = fc.uniqueArray(tensor, { selector: t => t.name, maxLength: 6 });
    const metadata = fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 9 }), { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(tensors, metadata, async (given, notes) => {
        const file = encodeSafetensors(given, notes);
        const header = parse(file);
        expect(header.dataStart % 8).toBe(0);
        for (const info of header.tensors.values()) expect(info.begin % WIDTH[info.dtype]).toBe(0);
        expect(Object.entries(header.metadata)).toEqual(Object.entries(notes));
        expect(byName(await readAllTensors(file))).toEqual(byName(given));
      }),
    );
  });

  test('tensors come in file order, one at a time, with progress', async () => {
    const file = encodeSafetensors([tensorOf('a', [2], Float32Array.of(1, 2)), tensorOf('b', [1], Float32Array.of(3))]);
    const progress: Progress[] = [];
    const open = await openSafetensors(memorySource(file, 'm.safetensors'), { onProgress: p => progress.push(p) });
    const seen: [string, number[]][] = [];
    for await (const t of open.tensors()) seen.push([t.name, [...toFloat32(t)]]);
    expect(seen).toEqual([
      ['a', [1, 2]],
      ['b', [3]],
    ]);
    const total = file.length;
    expect(progress).toEqual([
      { phase: 'weights', file: 'm.safetensors', loaded: total - 4, total },
      { phase: 'weights', file: 'm.safetensors', loaded: total, total },
    ]);
    const again = [];
    for await (const t of open.tensors()) again.push(t.name);
    expect(again).toEqual(['a', 'b']);
  });

  test('chunks of any length give the same tensors', async () => {
    const file = encodeSafetensors([
      tensorOf(
        'a',
        [50],
        Float32Array.from({ length: 50 }, (_, i) => i),
      ),
    ]);
    for (const chunk of [1, 7, 64, 1000]) {
      async function* stream() {
        for (let i = 0; i < file.length; i += chunk) yield file.subarray(i, i + chunk);
        yield new Uint8Array(0);
      }
      const open = await openSafetensors({ name: 's', size: undefined, stream, close: async () => {} });
      for await (const t of open.tensors())
        expect(toFloat32(t)).toEqual(Float32Array.from({ length: 50 }, (_, i) => i));
    }
  });

  test('a run grows with what arrives, whatever it starts with', async () => {
    const content = Uint8Array.from({ length: 100 }, (_, i) => i);
    for (const first of [0, 1, 7, 99, 200]) {
      async function* stream() {
        for (let i = 0; i < content.length; i += 9) yield content.subarray(i, i + 9);
      }
      const cursor = new ByteCursor(stream(), first);
      expect([...(await cursor.take(95))]).toEqual([...content.subarray(0, 95)]);
      expect([...(await cursor.take(1e9))]).toEqual([...content.subarray(95)]);
      expect(await cursor.atEnd()).toBe(true);
    }
  });

  /** Chunks of `step` bytes, in memory that is offered where `fills` says so. */
  async function* offered(
    content: Uint8Array,
    step: number,
    fills: boolean,
  ): AsyncGenerator<Uint8Array, void, Uint8Array | undefined> {
    let into: Uint8Array | undefined;
    for (let at = 0; at < content.length; ) {
      const chunk = content.subarray(at, at + Math.min(step, (fills && into?.length) || step));
      if (fills && into) into.set(chunk);
      at += chunk.length;
      into = yield fills && into ? into.subarray(0, chunk.length) : chunk;
    }
  }

  test('borrowed runs are what the stream holds, whether it reads into their memory or not', async () => {
    const content = Uint8Array.from({ length: 300 }, (_, i) => i);
    for (const fills of [true, false])
      for (const step of [1, 7, 100, 300])
        for (const first of [0, 8, 200]) {
          const cursor = new ByteCursor(offered(content, step, fills), first);
          const found: number[] = [];
          for (const length of [10, 3, 120, 0, 50, 1e9]) found.push(...(await cursor.borrow(length)));
          expect(found).toEqual([...content]);
          expect(await cursor.atEnd()).toBe(true);
        }
  });

  test('borrowed memory is lent again, taken memory is not', async () => {
    const content = Uint8Array.from({ length: 60 }, (_, i) => i);
    const cursor = new ByteCursor(offered(content, 10, true));
    const [kept, lent] = [await cursor.take(20), await cursor.borrow(15)];
    const again = await cursor.borrow(15);
    expect(again.buffer).toBe(lent.buffer);
    expect([...again]).toEqual([...content.subarray(35, 50)]);
    expect([...lent]).toEqual([...again]);
    expect([...kept]).toEqual([...content.subarray(0, 20)]);
  });

  test('borrowed tensors are right in their turn, the others for good', async () => {
    const numbers = (i: number) => Float32Array.from({ length: 40 + i }, (_, at) => i * 100 + at);
    const file = encodeSafetensors(Array.from({ length: 6 }, (_, i) => tensorOf(`${i}`, [40 + i], numbers(i))));
    for (const step of [9, 200, 4096])
      for (const borrowed of [true, false]) {
        const stream = () => offered(file, step, true);
        const open = await openSafetensors({ name: 's', size: file.length, stream, close: async () => {} });
        const seen: SafetensorsTensor[] = [];
        for await (const tensor of open.tensors(borrowed)) {
          expect(toFloat32(tensor)).toEqual(numbers(Number(tensor.name)));
          seen.push(tensor);
        }
        expect(seen.map(({ name }) => name)).toEqual(['0', '1', '2', '3', '4', '5']);
        if (!borrowed) for (const tensor of seen) expect(toFloat32(tensor)).toEqual(numbers(Number(tensor.name)));
      }
  });

  test('leaving early stops the source, closing twice is fine', async () => {
    let stopped = 0;
    const file = encodeSafetensors([tensorOf('a', [1], Float32Array.of(1)), tensorOf('b', [1], Float32Array.of(1))]);
    async function* stream() {
      try {
        for (let i = 0; i < file.length; i++) yield file.subarray(i, i + 1);
      } finally {
        stopped++;
      }
    }
    const source = { name: 's', size: file.length, stream, close: async () => {} };
    const open = await openSafetensors(source);
    for await (const _ of open.tensors()) break;
    expect(stopped).toBe(1);
    const other = await openSafetensors(source);
    await other.close();
    await other.close();
    expect(stopped).toBe(2);
  });

  test('an aborted signal ends in ABORTED', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const error = await failure('ABORTED', () => openSafetensors(memorySource(rawFile('{}')), { signal }));
    expect(error.cause).toEqual(new Error('enough'));
  });
});

describe('encodeSafetensors refuses', () => {
  const t = (name: string, shape: number[], length: number) => tensorOf(name, shape, new Float32Array(length));
  const cases: [name: string, tensors: SafetensorsTensor[], metadata: Record<string, string>, says: string][] = [
    ['a name twice', [t('a', [], 1), t('a', [], 1)], {}, 'tensor "a": no name may occur twice'],
    ['the reserved name', [t('__metadata__', [], 1)], {}, 'a name must be Unicode and not reserved'],
    ['a lone surrogate', [t('\ud800', [], 1)], {}, 'a name must be Unicode and not reserved'],
    ['a length that is not the shape`s', [t('a', [3], 2)], {}, 'bytes must be shape x dtype, got 8 for [3] F32 (12)'],
    ['a fractional dimension', [t('a', [0.5], 2)], {}, 'dimensions must be whole numbers, got [0.5]'],
    ['metadata that is not text', [], { a: 1 as unknown as string }, 'metadata must be text, got 1 for "a"'],
  ];
  test.each(cases)('%s', async (_, tensors, metadata, says) => {
    const error = await failure('BAD_ARGUMENT', () => encodeSafetensors(tensors, metadata));
    expect(error.message).toContain(says);
  });
});

describe('toFloat32', () => {
  const halves = (...bits: number[]) =>
    toFloat32({ ...tensorOf('h', [bits.length], Uint16Array.from(bits)), dtype: 'F16' });

  test('F16: normal, subnormal, signed zero, infinities and NaN', () => {
    expect([...halves(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x83ff, 0x3555)]).toEqual([
      1,
      -2,
      65504,
      2 ** -14,
      2 ** -24,
      -1023 * 2 ** -24,
      0.333251953125,
    ]);
    const [zero, minusZero, infinity, minusInfinity, nan] = halves(0, 0x8000, 0x7c00, 0xfc00, 0x7e01);
    expect([zero, minusZero, infinity, minusInfinity, nan]).toEqual([0, -0, Infinity, -Infinity, NaN]);
  });

  test('F16: all 65,536 patterns against their formula', () => {
    const all = halves(...Array.from({ length: 65536 }, (_, i) => i));
    const wrong = all.findIndex((value, h) => {
      const [exponent, fraction] = [(h >> 10) & 31, h & 1023];
      const size =
        exponent === 31
          ? fraction === 0
            ? Infinity
            : NaN
          : exponent === 0
            ? fraction * 2 ** -24
            : (1024 + fraction) * 2 ** (exponent - 25);
      return !Object.is(value, h & 0x8000 ? -size : size);
    });
    expect(wrong).toBe(-1);
  });

  test('BF16 is the upper half of an F32', () => {
    const t = { ...tensorOf('b', [3], Uint16Array.of(0x3f80, 0xc000, 0x7f80)), dtype: 'BF16' as const };
    expect([...toFloat32(t)]).toEqual([1, -2, Infinity]);
  });

  test('F32 is a view where it is aligned and a copy where it is not', () => {
    const numbers = Float32Array.of(1.5, -2.5);
    const aligned = tensorOf('w', [2], numbers);
    expect(toFloat32(aligned).buffer).toBe(numbers.buffer);
    const shifted = new Uint8Array(9);
    shifted.set(aligned.bytes, 1);
    expect([...toFloat32({ ...aligned, bytes: shifted.subarray(1) })]).toEqual([1.5, -2.5]);
  });

  test('other dtypes are refused by name', async () => {
    const error = await failure('UNSUPPORTED', () => toFloat32(tensorOf('ids', [1], Int32Array.of(1))));
    expect(error.message).toContain('toFloat32: tensor "ids" must be F32, F16 or BF16, got I32');
  });
});

const golden = new URL('../../../shared/reference/golden/odd/model.safetensors', import.meta.url);
test.runIf(existsSync(golden))('a file that PyTorch wrote', async () => {
  const bytes = readFileSync(golden);
  const tensors = await readAllTensors(bytes);
  const word = tensors.find(t => t.name === 'text_encoder.embeddings.word_embeddings.weight');
  expect(word?.shape).toEqual([131, 36]);
  expect(toFloat32(word!).every(Number.isFinite)).toBe(true);
  const rewritten = await readAllTensors(encodeSafetensors(tensors));
  expect(rewritten.map(t => t.name).sort()).toEqual(tensors.map(t => t.name).sort());
});
