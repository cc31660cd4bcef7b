import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { configToJson, defaultConfig, type NetworkConfig, parseConfig } from '../../networks/config.js';

const parse = (json: unknown) => parseConfig(json, 'some/config.json') as NetworkConfig<'tmca'>;

function failure(json: unknown): TmcaError {
  try {
    parse(json);
  } catch (error) {
    expect(error).toBeInstanceOf(TmcaError);
    return error as TmcaError;
  }
  throw new Error(`accepted ${JSON.stringify(json)}`);
}

describe('parseConfig', () => {
  test('an empty object is the paper`s network', () => {
    expect(parse({})).toEqual(defaultConfig('tmca'));
  });

  test('max_text_length follows max_positions down, not up', () => {
    expect(parse({ max_positions: 40 }).maxTextLength).toBe(40);
    expect(parse({ max_positions: 2048 }).maxTextLength).toBe(512);
    expect(parse({ max_positions: 40, max_text_length: 24 }).maxTextLength).toBe(24);
  });

  test('levels keep their order, and none is allowed', () => {
    expect(parse({ levels: ['8', 'G'] }).levels).toEqual(['8', 'G']);
    expect(parse({ levels: [] }).levels).toEqual([]);
  });

  test('unknown keys survive a round trip, __proto__ included, and pollute nothing', () => {
    const text = '{"image_size":96,"note":{"a":[1]},"__proto__":{"polluted":1},"constructor":2}';
    const config = parse(JSON.parse(text));
    expect(config.imageSize).toBe(96);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect((config.extra as { polluted?: unknown }).polluted).toBeUndefined();
    const back = JSON.parse(JSON.stringify(configToJson(config)));
    expect(back.note).toEqual({ a: [1] });
    expect(Object.getOwnPropertyDescriptor(back, '__proto__')?.value).toEqual({ polluted: 1 });
    expect(Object.getOwnPropertyDescriptor(back, 'constructor')?.value).toBe(2);
  });

  test('inherited fields are not the file`s', () => {
    expect(parse(Object.create({ image_size: 64 })).imageSize).toBe(224);
  });

  test('extra cannot replace a known key on the way out', () => {
    expect(configToJson({ ...defaultConfig('tmca'), extra: { image_size: 1 } }).image_size).toBe(224);
  });

  test('what it accepts it writes back equal', () => {
    const sizes = fc.record(
      {
        image_size: fc.integer({ min: 1, max: 64 }).map(n => 32 * n),
        heads: fc.constantFrom(1, 2, 4),
        dims: fc.tuple(...[1, 2, 3, 4].map(() => fc.integer({ min: 1, max: 100 }).map(n => 4 * n))),
        levels: fc.subarray(['G', '32', '16', '8']),
        tau_enhance: fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        enhance: fc.boolean(),
        version: fc.string({ minLength: 1, maxLength: 20 }),
        anything: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(sizes, json => {
        const config = parse(json);
        expect(parse(configToJson(config))).toEqual(config);
        expect(configToJson(config)).toMatchObject(json);
      }),
    );
  });

  test('whatever the value, the answer is a config or CONFIG_INVALID', () => {
    const keys = Object.keys(configToJson(defaultConfig('tmca')));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), fc.anything()), json => {
        try {
          parse(json);
        } catch (error) {
          expect(error).toMatchObject({ name: 'TmcaError', code: 'CONFIG_INVALID' });
        }
      }),
    );
  });

  test('every broken rule is named at once', () => {
    const { message } = failure({ image_size: 100, heads: 0, dtype: 'fp8' });
    expect(message).toMatch(/image_size.*heads.*dtype/);
  });
});

const text = 'an integer from';
const malformed: [name: string, json: unknown, says: string][] = [
  ['null', null, 'must be a JSON object, got null'],
  ['an array', [], 'must be a JSON object, got []'],
  ['text', 'x', 'must be a JSON object, got "x"'],
  [
    'image_size not a multiple of 32',
    { image_size: 100 },
    'image_size must be a multiple of 32 from 32 to 2048, got 100',
  ],
  ['image_size 0', { image_size: 0 }, 'image_size must be a multiple of 32 from 32 to 2048, got 0'],
  ['image_size huge', { image_size: 1e9 }, 'image_size must be a multiple of 32 from 32 to 2048, got 1000000000'],
  ['image_size as text', { image_size: '224' }, 'image_size must be a multiple of 32 from 32 to 2048, got "224"'],
  ['image_size null', { image_size: null }, 'image_size must be a multiple of 32 from 32 to 2048, got null'],
  ['three depths', { depths: [3, 3, 9] }, 'depths must be four integers from 1 to 64, got [3,3,9]'],
  ['five dims', { dims: [8, 8, 8, 8, 8] }, 'dims must be four integers from 1 to 4096, got [8,8,8,8,8]'],
  ['depth 0', { depths: [3, 0, 9, 3] }, 'depths must be four integers from 1 to 64, got [3,0,9,3]'],
  ['fractional dim', { dims: [8, 8.5, 8, 8] }, 'dims must be four integers from 1 to 4096, got [8,8.5,8,8]'],
  ['odd dim', { dims: [8, 15, 16, 16], heads: 1 }, 'dims must be even from dims[1] on'],
  ['heads that do not divide', { heads: 5 }, 'heads must divide dims[1], dims[2] and dims[3], got 5 and [192,384,768]'],
  ['heads 0', { heads: 0 }, `heads must be ${text} 1 to 256, got 0`],
  ['text_heads that do not divide', { text_heads: 7 }, 'text_heads must divide text_dim, got 7 and 768'],
  ['text_layers 2', { text_layers: 2 }, `text_layers must be ${text} 3 to 64, got 2`],
  ['vocab_size unsafe', { vocab_size: 2 ** 53 }, `vocab_size must be ${text} 1 to 1000000`],
  ['text_ffn negative', { text_ffn: -1 }, `text_ffn must be ${text} 1 to 16384, got -1`],
  ['head_channels fractional', { head_channels: 0.5 }, `head_channels must be ${text} 1 to 1024, got 0.5`],
  ['max_text_length over max_positions', { max_positions: 32, max_text_length: 33 }, 'max_text_length must be at most'],
  ['max_text_length 1', { max_text_length: 1 }, `max_text_length must be ${text} 2 to 8192, got 1`],
  ['tau 0', { tau_target: 0 }, 'tau_target must be a finite number above 0, got 0'],
  ['tau negative', { tau_similarity: -1 }, 'tau_similarity must be a finite number above 0, got -1'],
  [
    'tau infinite',
    { tau_enhance: Number.POSITIVE_INFINITY },
    'tau_enhance must be a finite number above 0, got Infinity',
  ],
  ['tau NaN', { tau_enhance: Number.NaN }, 'tau_enhance must be a finite number above 0, got NaN'],
  ['level twice', { levels: ['G', 'G'] }, 'levels must be a list of "G", "32", "16" and "8", each at most once'],
  ['unknown level', { levels: ['4'] }, 'levels must be a list'],
  ['level as number', { levels: [32] }, 'levels must be a list'],
  ['flag as number', { enhance: 1 }, 'enhance must be true or false, got 1'],
  [
    'weight negative',
    { contrastive_weight: -0.1 },
    'contrastive_weight must be a finite number of at least 0, got -0.1',
  ],
  ['empty name', { name: '' }, 'name must be text of 1 to 200 characters, got ""'],
  ['version as number', { version: 1 }, 'version must be text'],
  ['unknown normalize', { normalize: 'none' }, 'normalize must be one of zscore, imagenet, got "none"'],
  ['unknown dtype', { dtype: 'fp8' }, 'dtype must be one of fp32, fp16, int8, got "fp8"'],
];

describe('malformed configurations', () => {
  test.each(malformed)('%s', (_, json, says) => {
    const error = failure(json);
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain('parseConfig: some/config.json: ');
    expect(error.message).toContain(says);
  });
});
