// The command in this process: streams that collect, and an engine without a device whose network finds what is red.

import type { Engine } from '../../cli/engine.js';
import type { Io } from '../../cli/io.js';
import { run } from '../../cli/run.js';
import { TmcaError, throwIfAborted } from '../../errors/index.js';
import { profiles } from '../../gpu/profiles.js';
import type { AdapterTuning } from '../../node/index.js';
import type { QuantizeReport } from '../../quantize/index.js';
import type { Lesion, Pixels, Segmentation, Session, SessionInfo } from '../../runtime/types.js';

const SIZE = 8;
const MAX_TEXT = 6;

const info: SessionInfo = {
  device: 'webgpu',
  dtype: 'fp32',
  adapter: {
    vendor: 'test',
    architecture: 'fake',
    description: 'Fake adapter',
    software: true,
    features: ['shader-f16'],
  },
  integrity: 'checked',
  reason: 'the test asked for it',
  model: { name: 'red', hash: '00', imageSize: SIZE, text: 'required', maxTextLength: MAX_TEXT },
};

export interface FakeEngine extends Engine {
  /** Calls in order: `open MODEL DEVICE DTYPE`, `text TEXT`, `segment WxHxC`, `free report`, `dispose`. */
  readonly calls: string[];
}

export const fakeTuning: AdapterTuning = {
  profile: profiles.find(({ name }) => name === 'intel')!,
  lanes: 0,
  kept: '/cache/tmca-edge',
  ...{ variants: {}, rejected: [], timed: {}, notes: [] },
};

export const measuredTuning: AdapterTuning = {
  ...fakeTuning,
  variants: {
    'linear-vec4 f32/f32 64x64x64': { variant: '32x32', source: 'timed' },
    'conv2d f32/f32 1024x128x64': { variant: '32x64', source: 'profile' },
  },
  rejected: [
    { kernel: 'linear-vec4 f32/f32', variant: '128x64', reason: 'computes 7 where 3 is right (element 0 of 1)' },
  ],
  timed: { 'linear-vec4 f32/f32 64x64x64': { '32x64': 0.25, '32x32': 0.125 } },
  notes: ['3 classes of shapes were left to the profile: the time for measuring was over'],
};

/** `onSegment` runs at each image, for tests that break or stop something there; `more` is said of each. */
export function fakeEngine(
  onSegment: (index: number) => void = () => {},
  more: Partial<Pick<Segmentation, 'omitted' | 'warnings'> & Pick<SessionInfo, 'integrity'>> = {},
): FakeEngine {
  const calls: string[] = [];
  let images = 0;
  const session: Session = {
    info: { ...info, ...(more.integrity && { integrity: more.integrity }) },
    async encodeReport(text, options) {
      throwIfAborted(options?.signal, 'encodeReport');
      calls.push(`text ${text}`);
      const ids = Int32Array.from(text.split(' '), (_, i) => i);
      return { text, ids, truncated: ids.length > MAX_TEXT, dispose: () => calls.push('free report') };
    },
    async segment(image, _, options) {
      throwIfAborted(options?.signal, 'segment');
      const least = options?.minArea === undefined ? '' : ` ${options.minArea}`;
      calls.push(`segment ${image.width}x${image.height}x${image.channels}${least}`);
      onSegment(images++);
      throwIfAborted(options?.signal, 'segment');
      return { ...redPixels(image, options?.threshold ?? 0.5), ...more };
    },
    stats: () => {
      throw new Error('not used by the command');
    },
    dispose: () => void calls.push('dispose'),
  };
  return {
    calls,
    async openSession(model, { device, dtype, integrity, onProgress }) {
      calls.push(`open ${model} ${device} ${dtype}${integrity === 'required' ? ' required' : ''}`);
      onProgress?.({ phase: 'weights', loaded: 1, total: 2 });
      return session;
    },
    async inspectForward(model, inputs, { fill, device, dtype }) {
      calls.push(`inspect ${model} ${fill} ${device} ${dtype}`);
      // Everything that came in, so that a test sees how files were read.
      const outputs = Object.fromEntries(
        Object.entries(inputs).map(([name, { shape, data }]) => [
          `${name}.seen`,
          { shape, data: Float32Array.from(data) },
        ]),
      );
      return { outputs, dispatches: 3, arenaBytes: 0, info } as unknown as Awaited<
        ReturnType<Engine['inspectForward']>
      >;
    },
    async inspectGradients(model, inputs, { fill, device, dtype, freeze }) {
      calls.push(`gradients ${model} ${fill} ${device} ${dtype} ${freeze}`);
      const gradients = Object.fromEntries(
        Object.entries(inputs).map(([name, { shape, data }]) => [
          `${name}.seen`,
          { shape, data: Float32Array.from(data) },
        ]),
      );
      const losses = { loss: 2.5, segmentation: 1.75, contrastive: 0.75 };
      return { losses, gradients, dispatches: 3, arenaBytes: 0, info };
    },
    async train({ data, out, device, onEvent, signal: _, ...asked }) {
      calls.push(`train ${data} ${out} ${device} ${JSON.stringify(asked)}`);
      onEvent?.({ kind: 'note', text: 'the fake trains nothing' });
      const last = { kind: 'epoch', step: 8, epoch: 1, loss: 0.5, val_dice: 0.75, val_iou: 0.6 } as const;
      const best = { step: 4, epoch: 0, score: 0.8 };
      return {
        out,
        stopped: 'epochs',
        step: 8,
        last,
        best,
        seed: 7,
        splits: { train: 4, val: 2 },
        adapter: info.adapter,
      };
    },
    async quantize(model, { to, out, data, split, maxDiceDrop, device, onProgress }) {
      calls.push(`quantize ${model} ${to} ${out} ${data} ${split} ${maxDiceDrop} ${device}`);
      onProgress?.({ phase: 'store', done: 1, total: 2 });
      onProgress?.({ phase: 'look', done: 4, total: 4 });
      return quantizeReport(to, data);
    },
    listAdapters: async () => [],
    measureRoofline: async () => ({ gflops: 19, gflops_f16: null, gbytes: 3.25 }),
    async describeTuning({ measure, onProgress }) {
      if (measure !== undefined) calls.push(`tune ${measure}`);
      onProgress?.({ phase: 'tune', loaded: 1, total: 2 });
      return measure === undefined ? fakeTuning : measuredTuning;
    },
    describeWasm: async () => ({
      vendor: 'onnxruntime',
      architecture: 'wasm',
      description: 'onnxruntime-web 9.9 on the CPU, 2 threads',
      software: true,
      features: ['simd', 'threads'],
      cores: 4,
    }),
  };
}

/** A report of a quantization that found something to say of everything. */
export function quantizeReport(to: 'fp16' | 'int8' = 'int8', data?: string): QuantizeReport {
  const stored = (tensors: number, parameters: number, bytes: number) => ({ tensors, parameters, bytes });
  const scores = (dice: number) => ({ dice, mean_dice: dice - 0.05, iou: dice - 0.1 });
  const dice = { fp32: scores(0.7715), quantized: scores(0.7713), dice_drop: 0.0002, pixel_agreement: 0.9996 };
  const layer = (name: string, cosine: number | null) => ({
    ...{ layer: name, op: 'fusedLinear', max_abs_error: 0.0446, cosine },
    ...{ range: [-0.17, 5.75] as const, parameters: [`${name}.weight`] },
  });
  return {
    ...{ model: 'red', to, from: { sha256: '00', dtype: 'fp32' } },
    ...{ created: '2026-01-02T03:04:05Z', package: 'tmca-edge@0', device: 'webgpu', adapter: info.adapter },
    bytes: { before: 20_000_000, after: 5_500_000, ratio: 0.275 },
    stored: { int8: stored(2, 5_000_000, 5_000_000), fp16: stored(3, 200_000, 400_000), fp32: stored(0, 0, 0) },
    activations: 'fp16',
    examples: { of: 'the samples of this package', ids: ['a', 'b'], text: 'sentences' },
    ranges: { activation: 29.6, squared_deviation: 70_000, gelu: 9.5 },
    findings: [{ layer: 'a <norm>', kind: 'variance', value: 70_000, limit: 65_504, rule: 'statistics are f32' }],
    layers: [layer('first', 0.999999), layer('second', 0.9991)],
    end_to_end: {
      logits: { max_abs_error: 0.1226, cosine: 0.999998, range: [-29.3, 2.7], mask_agreement: 0.99965 },
      dice:
        data === undefined ? null : { n: 2, ...dice, empty_flips: 0, data, split: 'test', empty_masks: 0, notes: [] },
    },
    integer_products: null,
    budget: { max_dice_drop: 0.005, met: data === undefined ? null : true },
    parameters: (['int8', 'fp16'] as const).map(dtype => ({
      ...{ name: `w.${dtype}`, shape: [2], dtype, bytes: 2, largest: 1 },
      ...{ max_abs_error: 0.01, relative_error: 0.008, kept: null },
    })),
  };
}

/** Probability is red / 255. One lesion: the box of all pixels over the threshold. */
function redPixels(image: Pixels, threshold: number): Segmentation {
  const { data, width, height, channels } = image;
  const red = (x: number, y: number) => data[(y * width + x) * channels]! / 255;
  const mask = new Uint8Array(width * height).map((_, i) =>
    red(i % width, Math.floor(i / width)) >= threshold ? 1 : 0,
  );
  const probability = new Float32Array(SIZE * SIZE).map((_, i) =>
    red(Math.floor(((i % SIZE) * width) / SIZE), Math.floor((Math.floor(i / SIZE) * height) / SIZE)),
  );
  const ms = { preprocess: 1, network: 2, postprocess: 3, total: 6.5 };
  return {
    width,
    height,
    mask,
    lesions: lesionsOf(mask, width),
    omitted: { count: 0, area: 0 },
    warnings: [],
    probability,
    size: SIZE,
    ms,
  };
}

function lesionsOf(mask: Uint8Array, width: number): Lesion[] {
  const found = [...mask.keys()].filter(i => mask[i]);
  if (found.length === 0) return [];
  const [xs, ys] = [found.map(i => i % width), found.map(i => Math.floor(i / width))];
  const [x, y, right, bottom] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  const contour = Int32Array.from([x, y, right, y, right, bottom, x, bottom]);
  return [{ score: 0.75, box: [x, y, right - x + 1, bottom - y + 1], area: found.length, contour, holes: [] }];
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly json: unknown;
}

export interface CallOptions {
  readonly engine?: Engine;
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  readonly terminal?: NodeJS.WriteStream;
}

/** Runs the command and collects what it says. `json` is stdout, parsed, where it is JSON. */
export async function call(argv: readonly string[], options: CallOptions = {}): Promise<Outcome> {
  const said = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof said) => ({
    write: async (text: string) => {
      said[name] += text;
    },
  });
  const io: Io = {
    stdin: options.stdin ?? bytesOf(''),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    terminal: options.terminal ?? null,
    signal: options.signal ?? new AbortController().signal,
  };
  const code = await run(argv, io, options.engine ?? noEngine);
  return { code, ...said, json: parseOrUndefined(said.stdout) };
}

/** A stream of the text's bytes in chunks of `size`. */
export async function* bytesOf(text: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  for (let i = 0; i < bytes.length; i += size) yield bytes.slice(i, i + size);
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const refuse = async () => {
  throw new TmcaError('INTERNAL', 'this test must not reach the engine');
};
const noEngine: Engine = {
  openSession: refuse,
  inspectForward: refuse,
  inspectGradients: refuse,
  train: refuse,
  quantize: refuse,
  listAdapters: refuse,
  measureRoofline: refuse,
  describeTuning: refuse,
  describeWasm: refuse,
};
