// Public functions called without arguments, with null, or with values of another kind: BAD_ARGUMENT, naming what was given, before
// anything is begun. A compiler would refuse all of it; a page's script has none.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { checkOptions, kindName, requireOptions } from '../../errors/arguments.js';
import { TmcaError } from '../../errors/index.js';
import { exportOnnx, inspectForward, inspectGradients, inspectPlan, openSession } from '../../node/index.js';
import { maskImageBitmap, maskImageData, Segmenter } from '../../runtime/index.js';
import { Trainer } from '../../train/index.js';
import { train } from '../../train/run/index.js';

const failure = async (call: () => unknown): Promise<unknown> => {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
};

const model = 'test/fixtures/golden/micro';
/** Never made: what is asked of it is refused before. */
const worker = () => {
  throw new Error('a worker was asked for');
};

type Loose = (...given: unknown[]) => unknown;
const functions: [string, Loose, unknown[][]][] = [
  [
    'Segmenter.create',
    given => Segmenter.create(given as never),
    [
      [],
      [null],
      ['/models/nano'],
      [{}],
      [{ model: null }],
      [{ model: 7 }],
      [{ model: '/m', worker: 'worker.js' }],
      [{ model: '/m', worker, signal: true }],
      [{ model: '/m', worker, onProgress: 'yes' }],
      [{ model: '/m', worker, wasmPaths: 1 }],
      [{ model: '/m', worker, tune: 'yes' }],
      [{ model: '/m', worker, watchdog: 5 }],
    ],
  ],
  [
    'openSession',
    (...given) => openSession(...(given as [string])),
    [[], [null], [{}], [model, null], [model, 'wasm'], [model, { signal: 1 }]],
  ],
  [
    'inspectForward',
    (...given) => inspectForward(...(given as [string, never])),
    [[], [model], [model, null], [model, { image: 1 }]],
  ],
  ['inspectGradients', (...given) => inspectGradients(...(given as [string, never])), [[], [model], [model, []]]],
  ['inspectPlan', (...given) => inspectPlan(...(given as [string])), [[], [null], [5]]],
  [
    'exportOnnx',
    (...given) => exportOnnx(...(given as [string, string])),
    [[], [model], [model, null], [model, 'out', null]],
  ],
  [
    'train',
    given => train(given as never),
    [[], [null], [{}], [{ data: 'd' }], [{ data: 1, out: 'o' }], [{ data: 'd', out: 'o', onEvent: 1 }]],
  ],
  [
    'Trainer.create',
    given => Trainer.create(given as never),
    [[], [null], ['nano'], [{ model: 1 }], [{ vocab: 'x' }], [{ network: {}, signal: {} }]],
  ],
  [
    'maskImageData',
    (...given) => maskImageData(...(given as [never])),
    [[], [null], [{ mask: [1] }], [{ mask: new Uint8Array(1), width: 1, height: 1 }, null]],
  ],
  ['maskImageBitmap', (...given) => maskImageBitmap(...(given as [never])), [[], [null]]],
];

afterEach(() => vi.unstubAllGlobals());

describe.each(functions)('%s', (_name, call, calls) => {
  test.each(calls.map(given => [given]))('of %j', async given => {
    vi.stubGlobal('Worker', worker);
    vi.stubGlobal('createImageBitmap', worker);
    const error = await failure(() => call(...given));
    expect(error).toBeInstanceOf(TmcaError);
    expect(error).toMatchObject({ code: 'BAD_ARGUMENT' });
    expect((error as TmcaError).message).toMatch(/^\S+: .+ must be .+, got .+; .+$/);
  });
});

test('options that are left out, and keys that nobody knows, pass', () => {
  checkOptions('f', {}, { signal: 'AbortSignal' });
  checkOptions('f', { signal: undefined, more: 1 }, { signal: 'AbortSignal' });
  checkOptions(
    'f',
    { signal: AbortSignal.timeout(1), at: new URL('http://a/') },
    { signal: 'AbortSignal', at: 'address' },
  );
});

test('the message names the key, the kind, the value and what to do', async () => {
  expect(await failure(() => requireOptions('f', undefined, { model: 'address', text: 'string' }))).toMatchObject({
    message: 'f: the options must be an object, got undefined; give at least { model: …, text: … }',
  });
  expect(await failure(() => checkOptions('f', { tune: 'x'.repeat(50) }, { tune: 'boolean' }))).toMatchObject({
    message: `f: tune must be true or false, got "${'x'.repeat(40)}…"; leave it out for the default`,
  });
  expect([null, 1, [], new Map(), () => 1, Symbol('s'), Object.create(null)].map(kindName)).toEqual([
    'null',
    '1',
    'an array',
    'an object (Map)',
    'a function',
    'a symbol',
    'an object (without a class)',
  ]);
});

test('in Node, a page’s class says where to go, before it looks at addresses', async () => {
  expect(await failure(() => Segmenter.create({ model: '/models/nano' }))).toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(/in Node, import tmca-edge\/node/),
  });
});
