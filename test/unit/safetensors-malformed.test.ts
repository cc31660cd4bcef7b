// Every way in which a safetensors file can be wrong, each refused by name: by parseHeader, and by a stream that does not
// know the file's size.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import {
  type ByteSource,
  encodeSafetensors,
  memorySource,
  openSafetensors,
  parseHeader,
  tensorOf,
} from '../../formats/safetensors/index.js';
import { entry, failure, rawFile } from './raw-safetensors.js';

const bytes = (...values: number[]) => Uint8Array.from(values);
const one = (dtype: string, shape: string, offsets: string) => `{${entry('w', dtype, shape, offsets)}}`;
const utf8 = (text: string) => new TextEncoder().encode(text);
/** `{"` + the given bytes + `":…}` */
const named = (...name: number[]) => Uint8Array.from([...utf8('{"'), ...name, ...utf8('":1}')]);

const HEADER_LIMIT = 'a header must have at most 100000000 bytes';
const OFFSETS = 'data_offsets must be two whole numbers from 0 to 2^53 - 1';
const ENTRY = 'an entry must have dtype, shape and data_offsets';

const malformed: [name: string, file: Uint8Array, says: string][] = [
  ['an empty file', bytes(), 'a file must have at least 8 bytes, got 0'],
  ['one byte', bytes(1), 'a file must have at least 8 bytes, got 1'],
  ['seven bytes', bytes(1, 0, 0, 0, 0, 0, 0), 'a file must have at least 8 bytes, got 7'],
  ['zeros alone', new Uint8Array(64), 'the header must be a JSON object, got ""'],
  [
    'a length over the file',
    rawFile('{}', 0, 3n),
    'the header must fit in the file, got a header of 3 bytes in a file of 10',
  ],
  ['a length of 100 MB in a small file', rawFile('{}', 0, 100_000_000n), 'the header must fit in the file'],
  ['a length over 100 MB', rawFile('{}', 0, 100_000_001n), `${HEADER_LIMIT}, got 100000001`],
  ['a length of 2^32', rawFile('{}', 0, 2n ** 32n), HEADER_LIMIT],
  ['a length of 2^64 - 1', rawFile('{}', 0, 2n ** 64n - 1n), HEADER_LIMIT],
  ['a length that is signed', rawFile('{}', 0, 2n ** 63n), HEADER_LIMIT],
  ['an HTML page', utf8('<!doctype html><title>404</title>'), HEADER_LIMIT],
  ['a broken UTF-8 sequence', rawFile(named(0xc3, 0x28)), 'the header must be valid UTF-8'],
  ['an overlong UTF-8 sequence', rawFile(named(0xc0, 0x80)), 'the header must be valid UTF-8'],
  ['a UTF-8 surrogate', rawFile(named(0xed, 0xa0, 0x80)), 'the header must be valid UTF-8'],
  ['a truncated UTF-8 sequence', rawFile(bytes(0x7b, 0xe2, 0x82)), 'the header must be valid UTF-8'],
  ['a byte order mark', rawFile('\ufeff{}'), 'the header must be a JSON object'],
  ['leading spaces', rawFile('  {}'), 'the header must be a JSON object, got "  {}"'],
  ['an array', rawFile('[]'), 'the header must be a JSON object, got "[]"'],
  ['null', rawFile('null'), 'the header must be a JSON object, got "null"'],
  ['a number', rawFile('12'), 'the header must be a JSON object, got "12"'],
  ['an empty header', rawFile(''), 'the header must be a JSON object, got ""'],
  ['an object that does not end', rawFile('{"w":'), 'the header must be JSON'],
  ['single quotes', rawFile("{'w':1}"), 'the header must be JSON'],
  ['a trailing comma', rawFile(`{${entry('w', 'F32', '[]', '[0,4]')},}`, 4), 'the header must be JSON'],
  ['NaN in the header', rawFile(one('F32', '[NaN]', '[0,4]'), 4), 'the header must be JSON'],
  ['padding with NUL', rawFile('{}\0\0'), 'the header must be JSON'],
  ['two objects', rawFile('{}{}'), 'the header must be JSON'],
  [
    'a name twice',
    rawFile(`{${entry('w', 'F32', '[1]', '[0,4]')},${entry('w', 'F32', '[1]', '[4,8]')}}`, 8),
    'tensor "w": no name may occur twice, got "w"',
  ],
  [
    'a name twice, once escaped',
    rawFile(`{${entry('w', 'F32', '[1]', '[0,4]')},"\\u0077":{}}`, 4),
    'no name may occur twice, got "w"',
  ],
  [
    'a key of an entry twice',
    rawFile('{"w":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}', 4),
    'no name may occur twice, got "dtype"',
  ],
  [
    '__metadata__ twice',
    rawFile('{"__metadata__":{},"__metadata__":{}}'),
    'no name may occur twice, got "__metadata__"',
  ],
  ['a metadata key twice', rawFile('{"__metadata__":{"a":"1","a":"2"}}'), 'no name may occur twice, got "a"'],
  ['metadata as a list', rawFile('{"__metadata__":[]}'), '__metadata__ must map text to text, got []'],
  ['metadata as null', rawFile('{"__metadata__":null}'), '__metadata__ must map text to text, got null'],
  ['metadata as text', rawFile('{"__metadata__":"pt"}'), '__metadata__ must map text to text, got "pt"'],
  ['metadata with a number', rawFile('{"__metadata__":{"a":1}}'), '__metadata__ must map text to text, got {"a":1}'],
  ['metadata with an object', rawFile('{"__metadata__":{"a":{}}}'), '__metadata__ must map text to text'],
  ['an entry that is null', rawFile('{"w":null}'), 'tensor "w": an entry must be an object, got null'],
  ['an entry that is a number', rawFile('{"w":1}'), 'tensor "w": an entry must be an object, got 1'],
  ['an entry that is a list', rawFile('{"w":[]}'), 'tensor "w": an entry must be an object, got []'],
  ['no dtype', rawFile('{"w":{"shape":[],"data_offsets":[0,4]}}', 4), `${ENTRY}, got no dtype`],
  ['no shape', rawFile('{"w":{"dtype":"F32","data_offsets":[0,4]}}', 4), `${ENTRY}, got no shape`],
  ['no offsets', rawFile('{"w":{"dtype":"F32","shape":[]}}', 4), `${ENTRY}, got no data_offsets`],
  [
    'fields in a __proto__',
    rawFile('{"w":{"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}}', 4),
    'got no dtype',
  ],
  ['an unknown dtype', rawFile(one('F12', '[1]', '[0,4]'), 4), 'dtype must be one of BOOL, U8'],
  ['a dtype in lower case', rawFile(one('f32', '[1]', '[0,4]'), 4), 'F32, F64, I64, U64, got "f32"'],
  ['a dtype named toString', rawFile(one('toString', '[1]', '[0,4]'), 4), 'got "toString"'],
  ['a dtype that is a number', rawFile('{"w":{"dtype":32,"shape":[],"data_offsets":[0,4]}}', 4), 'got 32'],
  ['a shape that is a number', rawFile(one('F32', '1', '[0,4]'), 4), 'shape must be a list, got 1'],
  ['a shape that is null', rawFile(one('F32', 'null', '[0,4]'), 4), 'shape must be a list, got null'],
  ['a dimension as text', rawFile(one('F32', '["1"]', '[0,4]'), 4), 'dimensions must be numbers, got "1"'],
  ['a dimension null', rawFile(one('F32', '[null]', '[0,4]'), 4), 'dimensions must be numbers, got null'],
  ['a negative dimension', rawFile(one('F32', '[-1]', '[0,4]'), 4), 'dimensions must not be negative, got -1'],
  ['two negative dimensions', rawFile(one('F32', '[-1,-1]', '[0,4]'), 4), 'dimensions must not be negative, got -1'],
  ['a dimension of -0', rawFile(one('F32', '[-0]', '[0,0]')), 'dimensions must not be negative'],
  ['a fractional dimension', rawFile(one('F32', '[1.5]', '[0,6]'), 6), 'dimensions must be whole numbers, got 1.5'],
  [
    'an infinite dimension',
    rawFile(one('F32', '[1e999]', '[0,4]'), 4),
    'dimensions must be whole numbers, got Infinity',
  ],
  ['an unsafe dimension', rawFile(one('F32', '[9007199254740993]', '[0,4]'), 4), 'dimensions must be below 2^53'],
  [
    'a product over 2^53',
    rawFile(one('U8', '[4294967296,4294967296]', '[0,0]')),
    'the number of elements must be below 2^53',
  ],
  [
    'a product that wraps to 0 in 64 bits',
    rawFile(one('F32', '[4294967296,4294967296,4]', '[0,0]')),
    'number of elements',
  ],
  [
    'a product that overflows before a 0',
    rawFile(one('U8', '[4294967296,4294967296,0]', '[0,0]')),
    'number of elements',
  ],
  ['bytes over 2^53', rawFile(one('F64', '[4503599627370496]', '[0,0]')), 'the number of bytes must be below 2^53'],
  ['offsets as an object', rawFile(one('F32', '[1]', '{"0":0,"1":4}'), 4), OFFSETS],
  ['one offset', rawFile(one('F32', '[1]', '[4]'), 4), `${OFFSETS}, got [4]`],
  ['three offsets', rawFile(one('F32', '[1]', '[0,4,4]'), 4), `${OFFSETS}, got [0,4,4]`],
  ['a negative offset', rawFile(one('F32', '[1]', '[-4,0]'), 4), `${OFFSETS}, got [-4,0]`],
  ['a fractional offset', rawFile(one('F32', '[1]', '[0.5,4.5]'), 5), `${OFFSETS}, got [0.5,4.5]`],
  ['an unsafe offset', rawFile(one('F32', '[1]', '[0,9007199254740992]'), 4), OFFSETS],
  ['an offset of -0', rawFile(one('F32', '[0]', '[-0,0]')), `${OFFSETS}, got [0,0]`],
  ['an offset as text', rawFile(one('F32', '[1]', '["0","4"]'), 4), OFFSETS],
  ['reversed offsets', rawFile(one('F32', '[1]', '[4,0]'), 4), 'data_offsets must not be reversed, got [4,0]'],
  [
    'too few bytes for the shape',
    rawFile(one('F32', '[2]', '[0,4]'), 4),
    'span shape x dtype, got 4 bytes for [2] F32 (8)',
  ],
  [
    'too many bytes for the shape',
    rawFile(one('F16', '[2]', '[0,8]'), 8),
    'span shape x dtype, got 8 bytes for [2] F16 (4)',
  ],
  ['no bytes for a scalar', rawFile(one('F32', '[]', '[0,0]')), 'span shape x dtype, got 0 bytes for [] F32 (4)'],
  ['bytes for no elements', rawFile(one('F32', '[0]', '[0,4]'), 4), 'span shape x dtype, got 4 bytes for [0] F32 (0)'],
  ['a start after 0', rawFile(one('F32', '[1]', '[4,8]'), 8), 'the first tensor must begin at 0, got 4'],
  ['an empty tensor after 0', rawFile(one('F32', '[0]', '[4,4]'), 4), 'the first tensor must begin at 0, got 4'],
  [
    'overlapping tensors',
    rawFile(`{${entry('a', 'F32', '[2]', '[0,8]')},${entry('b', 'F32', '[2]', '[4,12]')}}`, 12),
    'tensor "b": tensors must not overlap, got a begin at 4 before an end at 8',
  ],
  [
    'two tensors on the same bytes',
    rawFile(`{${entry('a', 'F32', '[1]', '[0,4]')},${entry('b', 'I32', '[1]', '[0,4]')}}`, 4),
    'tensors must not overlap',
  ],
  [
    'an empty tensor inside another',
    rawFile(`{${entry('a', 'F32', '[2]', '[0,8]')},${entry('b', 'F32', '[0]', '[4,4]')}}`, 8),
    'tensors must not overlap',
  ],
  [
    'a gap',
    rawFile(`{${entry('a', 'F32', '[1]', '[0,4]')},${entry('b', 'F32', '[1]', '[8,12]')}}`, 12),
    'tensor "b": tensors must leave no gap, got a begin at 8 after an end at 4',
  ],
  ['a lone surrogate as a name', rawFile('{"\\ud800":{}}'), 'names must be well-formed Unicode'],
  [
    '__proto__ with a bad entry',
    rawFile('{"__proto__":{"dtype":"F32"}}'),
    'tensor "__proto__": an entry must have dtype, shape and data_offsets, got no shape',
  ],
  ['constructor with a bad entry', rawFile('{"constructor":[]}'), 'tensor "constructor": an entry must be an object'],
  ['a name with a line feed', rawFile('{"a\\nb":1}'), 'tensor "a\\nb": an entry must be an object'],
];

/** What only a known size, or the end of the stream, can show. */
const wrongSize: [name: string, file: Uint8Array, says: string, streamSays: string][] = [
  ['trailing bytes', rawFile(one('F32', '[1]', '[0,4]'), 5), 'got 1 trailing bytes', 'got trailing bytes after'],
  ['data without tensors', rawFile('{}', 4), 'got 4 trailing bytes', 'got trailing bytes after'],
  [
    'data cut short',
    rawFile(one('F32', '[2]', '[0,8]'), 7),
    'tensor "w": data_offsets must lie within the file, got an end at 8 in 7 bytes of data',
    'tensor "w": the data must be complete, got 7 of 8 bytes',
  ],
  ['no data at all', rawFile(one('F32', '[2]', '[0,8]')), 'must lie within the file', 'got 0 of 8 bytes'],
  [
    'a tensor of 4 TB in a small file',
    rawFile(one('F32', '[1099511627776]', '[0,4398046511104]'), 16),
    'must lie within the file',
    'got 16 of 4398046511104 bytes',
  ],
];

/** A source that does not know its size, in chunks of the asked length. */
function unsized(file: Uint8Array, chunk = 3): ByteSource {
  return {
    name: 'unsized.safetensors',
    size: undefined,
    async *stream() {
      for (let i = 0; i < file.length; i += chunk) yield file.subarray(i, i + chunk);
    },
    close: async () => {},
  };
}

async function readThrough(source: ByteSource) {
  const file = await openSafetensors(source);
  const read = [];
  for await (const tensor of file.tensors()) read.push(tensor);
  return read;
}

describe('malformed files', () => {
  test.each(malformed)('%s', async (_, file, says) => {
    const known = await failure('SAFETENSORS_INVALID', () => parseHeader(file, file.length, 'bad.safetensors'));
    expect(known.message).toContain('parseHeader: bad.safetensors: ');
    expect(known.message).toContain(says);
    expect(known.message).not.toContain('\n');
    expect(known.retryable).toBe(false);
    const streamed = await failure('SAFETENSORS_INVALID', () => readThrough(memorySource(file, 'bad.safetensors')));
    expect(streamed.message).toBe(known.message);
    await failure('SAFETENSORS_INVALID', () => readThrough(unsized(file)));
  });

  test.each(wrongSize)('%s', async (_, file, says, streamSays) => {
    const known = await failure('SAFETENSORS_INVALID', () => parseHeader(file, file.length, 'bad.safetensors'));
    expect(known.message).toContain(says);
    const streamed = await failure('SAFETENSORS_INVALID', () => readThrough(unsized(file)));
    expect(streamed.message).toContain(streamSays);
  });

  test('a header over 100 MB is refused in a file that is long enough', async () => {
    const prefix = rawFile('', 0, 100_000_001n);
    const error = await failure('SAFETENSORS_INVALID', () => parseHeader(prefix, 2 ** 30, 'big.safetensors'));
    expect(error.message).toContain(HEADER_LIMIT);
  });

  test('a stream that stops inside the header', async () => {
    const error = await failure('SAFETENSORS_INVALID', () => readThrough(unsized(rawFile('{"w":', 0, 64n))));
    expect(error.message).toContain('the header must be complete, got 13 of 72 bytes');
  });

  test('thousands of nested lists neither crash nor hang', async () => {
    const nested = `{"w":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    await failure('SAFETENSORS_INVALID', () => parseHeader(rawFile(nested), undefined, 'deep.safetensors'));
  });
});

describe('damage of any kind ends in a TmcaError or a file', () => {
  const good = encodeSafetensors(
    [
      tensorOf('a', [2, 2], new Float32Array(4)),
      tensorOf('ids', [3], new Int32Array(3)),
      tensorOf('s', [], new Uint8Array(1)),
    ],
    { format: 'pt' },
  );
  const survives = async (file: Uint8Array) => {
    try {
      await readThrough(unsized(file, 17));
      await readThrough(memorySource(file));
    } catch (error) {
      expect(error).toBeInstanceOf(TmcaError);
      expect((error as TmcaError).code).toBe('SAFETENSORS_INVALID');
    }
  };

  test('any one bit flipped in the head', async () => {
    const head = good.length - 29;
    for (let bit = 0; bit < 8 * head; bit++) {
      const file = good.slice();
      file[bit >> 3]! ^= 1 << (bit & 7);
      await survives(file);
    }
  });

  test('cut at any byte is refused', async () => {
    for (let length = 0; length < good.length; length++) {
      const cut = good.subarray(0, length);
      await failure('SAFETENSORS_INVALID', () => parseHeader(cut, cut.length, 'cut.safetensors'));
      await failure('SAFETENSORS_INVALID', () => readThrough(unsized(cut, 5)));
    }
  });

  test('random bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), survives), { numRuns: 300 });
  });

  test('random JSON as a header', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.nat({ max: 40 }), (json, data) => survives(rawFile(json, data))),
      { numRuns: 300 },
    );
  });

  test('random entries', async () => {
    const number = fc.oneof(fc.integer({ min: -2, max: 9 }), fc.double(), fc.constant(2 ** 53));
    const random = fc.record({
      dtype: fc.constantFrom('F32', 'F16', 'U8', 'I64', 'F8_E4M3', 'X'),
      shape: fc.array(number, { maxLength: 4 }),
      data_offsets: fc.array(number, { maxLength: 3 }),
    });
    const header = fc.dictionary(fc.constantFrom('a', 'b', '__proto__', '__metadata__', 'constructor'), random);
    await fc.assert(
      fc.asyncProperty(header, fc.nat({ max: 40 }), (json, data) => survives(rawFile(JSON.stringify(json), data))),
      { numRuns: 300 },
    );
  });
});
