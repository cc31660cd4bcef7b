// The overflow test: a small network with one parameter after another made so large that something overflows, in a sum, a square
// or a product at load. Whatever runs it must end in an error with a code or in the mask that double precision gives.

import { expect } from 'vitest';
import type { Assembly } from '../assembly/index.js';
import { TmcaError } from '../errors/index.js';
import { checkedStream } from '../formats/model-folder/index.js';
import { tensorOf } from '../formats/safetensors/index.js';
import { dequantizeRows, quantizeRows } from '../formats/weights/int8.js';
import type { ParameterStream } from '../formats/weights/load-constants.js';
import { evaluate } from '../graph/interpreter.js';
import type { Config } from '../networks/config.js';
import { Network } from '../networks/network.js';
import { segmentationOf } from '../runtime/session/segmentation.js';
import { type GoldenTensor, loadGolden, readTensors } from './golden.js';

/** What is done to a parameter, by name. */
const changes = {
  'greatest 1e38': x => scaledTo(x, 1e38),
  'greatest 3e38': x => scaledTo(x, 3e38),
  'greatest 1e20': x => scaledTo(x, 1e20),
  'greatest 65,504 x 8': x => scaledTo(x, 65504 * 8),
  'greatest 6e4': x => scaledTo(x, 6e4),
  'all 3e38': x => x.fill(3e38),
  'one 3e38': x => one(x, 3e38),
  'one -3e38': x => one(x, -3e38),
  'one 1e20': x => one(x, 1e20),
  'one -1e-6': x => one(x, -1e-6),
} as const satisfies Record<string, (x: Float32Array) => Float32Array>;

type Change = keyof typeof changes;

/** Below zero, and with epsilon above it. */
const ofVariance: Change = 'one -1e-6';
const ofAny = (Object.keys(changes) as Change[]).filter(change => change !== ofVariance);

function scaledTo(x: Float32Array, greatest: number): Float32Array {
  const most = x.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  return x.map(value => (value / most) * greatest);
}

function one(x: Float32Array, value: number): Float32Array {
  x[x.length >> 1] = value;
  return x;
}

export interface OverflowCase {
  readonly name: string;
  readonly stream: ParameterStream;
  /** The logits in double precision. */
  readonly logits: Float64Array;
}

export interface OverflowInputs {
  readonly config: Config;
  /** NHWC. */
  readonly image: Float32Array;
  /** NCHW. */
  readonly planes: Float32Array;
  readonly ids: Int32Array;
}

export async function overflowInputs(folder = 'test/fixtures/golden/micro'): Promise<OverflowInputs> {
  const { config, feed, forward, length } = await loadGolden(folder);
  const size = 3 * config.imageSize ** 2;
  const ids = Int32Array.from(feed.input!('ids')).subarray(0, length);
  const mask = Array.from(feed.input!('mask')).slice(0, length);
  return {
    config,
    image: Float32Array.from(feed.input!('image')).subarray(0, size),
    planes: Float32Array.from(forward.get('image')!.data).subarray(0, size),
    ids: ids.filter((_, i) => mask[i] !== 0),
  };
}

const copied = ({ data }: GoldenTensor): Float32Array => Float32Array.from(data);

interface CaseOptions {
  /** 2: every second parameter. */
  readonly stride?: number;
  /** Parameters that the engine rounds to 8 bits, which double precision then starts from. */
  readonly whole?: ReadonlySet<string>;
}

/** One parameter after another, each changed in another way; variances also below zero. */
export async function* overflowCases(
  { config, image, ids }: OverflowInputs,
  { stride = 1, whole }: CaseOptions = {},
  folder = 'test/fixtures/golden/micro',
): AsyncGenerator<OverflowCase> {
  const parameters = await readTensors(`${folder}/model.safetensors`);
  const graph = Network.of(config).logits(1, ids.length);
  const inputs: Readonly<Record<string, ArrayLike<number>>> = { image, ids, mask: ids.map(() => 1) };
  const chosen = [...parameters.keys()].filter((_, index) => index % stride === 0);
  const all = chosen.flatMap((name, index): [string, Change][] => {
    const change: [string, Change] = [name, ofAny[index % ofAny.length]!];
    return name.endsWith('running_var') ? [change, [name, ofVariance]] : [change];
  });
  for (const [name, change] of all) {
    const values = changes[change](copied(parameters.get(name)!));
    const of = (key: string) => (key === name ? values : parameters.get(key)!.data);
    const rounded = (key: string) =>
      whole?.has(key)
        ? dequantizeRows(quantizeRows(Float32Array.from(of(key)), parameters.get(key)!.shape[0]!))
        : of(key);
    const { logits } = evaluate(graph, { input: key => inputs[key]!, parameter: rounded });
    const weights: ParameterStream = {
      async *tensors() {
        for (const [key, { shape }] of parameters) yield tensorOf(key, shape, Float32Array.from(of(key)));
      },
    };
    yield {
      name: `${name}: ${change}`,
      stream: checkedStream({ weights }),
      logits: Float64Array.from(logits.data),
    };
  }
}

export interface Verdicts {
  cases: number;
  errors: Record<string, number>;
  masks: number;
  readonly wrong: string[];
}

/**
 * How far from the threshold a probability of double precision lies whose pixel must come out the same: what is rounded to 11 bits
 * beside large numbers is further off than that of the model as it was.
 */
const CLEAR = { fp32: 0.02, half: 0.1 } as const;

/** Runs the network of a case, and notes what comes of it. */
export async function judge(
  assembly: Assembly,
  { config }: OverflowInputs,
  { name, stream, logits }: OverflowCase,
  verdicts: Verdicts,
  precision: keyof typeof CLEAR,
  run: (stream: ParameterStream) => Promise<Float32Array>,
): Promise<void> {
  verdicts.cases++;
  try {
    const size = config.imageSize;
    const { mask } = segmentationOf(assembly, await run(stream), size, { width: size, height: size }, {});
    const expected = logits.map(logit => 1 / (1 + Math.exp(-logit)));
    const wrong = expected.reduce(
      (n, p, i) => n + Number(!(Math.abs(p - 0.5) <= CLEAR[precision]) && Number(p >= 0.5) !== mask[i]),
      0,
    );
    if (wrong === 0) verdicts.masks++;
    else verdicts.wrong.push(`${name}: ${wrong} of ${mask.length} pixels`);
  } catch (error) {
    if (!(error instanceof TmcaError)) throw error;
    verdicts.errors[error.code] = (verdicts.errors[error.code] ?? 0) + 1;
  }
}

export const newVerdicts = (): Verdicts => ({ cases: 0, errors: {}, masks: 0, wrong: [] });

/** Prints the counts, and fails where a mask is wrong. */
export function expectNoWrongMask(engine: string, { cases, errors, masks, wrong }: Verdicts): void {
  const codes = Object.entries(errors).map(([code, n]) => `${code} ${n}`);
  console.info(
    `${engine.padEnd(24)} ${cases} cases: same mask ${masks}, ${codes.join(', ')}, wrong mask ${wrong.length}`,
  );
  expect(wrong).toEqual([]);
  expect(errors.MODEL_NOT_FINITE).toBeGreaterThan(cases / 8); // what is tested does overflow
  expect(masks).toBeGreaterThan(0);
}
