// onnxruntime as a peer: the same two plans, exported by `export-onnx`, on its own WebGPU or wasm.

import { check } from '../../errors/index.js';
import type { BenchInputs, OpenTimes, Runner } from '../runner.js';

/** What is used of onnxruntime-node's and onnxruntime-web's modules, which are alike in it. */
export interface OrtModule {
  readonly env: { readonly versions: Readonly<Record<string, string | undefined>> };
  readonly Tensor: new (type: 'float32' | 'int32', data: Float32Array | Int32Array, dims: readonly number[]) => unknown;
  readonly InferenceSession: {
    create(model: string | Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OrtSession>;
  };
}

export interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, unknown>>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

export interface OrtTensor {
  readonly data: unknown;
  readonly dims: readonly number[];
}

export interface OrtOptions {
  readonly ort: OrtModule;
  readonly name: string;
  readonly provider: 'webgpu' | 'wasm' | 'cpu';
  /** Files, or their bytes; see `exportedModels`. */
  readonly models: { readonly image: string | Uint8Array; readonly text: string | Uint8Array | null };
  readonly inputs: BenchInputs;
}

/** What `exportOnnx` leaves in a folder, or at an address; no text where the network reads none. */
export const exportedModels = (folder: string, { ids }: BenchInputs): OrtOptions['models'] => ({
  image: `${folder}/image.onnx`,
  text: ids.length > 0 ? `${folder}/text.onnx` : null,
});

export class OrtRunner implements Runner {
  readonly name: string;
  readonly version: string;
  readonly #options: OrtOptions;
  #sessions: { readonly image: OrtSession; readonly text: OrtSession | null } | undefined;
  #report: Record<string, OrtTensor> = {};

  constructor(options: OrtOptions) {
    const { versions } = options.ort.env;
    this.#options = options;
    this.name = options.name;
    this.version = versions.node ?? versions.web ?? versions.common ?? 'unknown';
  }

  /** onnxruntime compiles its kernels in the first run: that is in the first text and frame, not here. */
  async open(): Promise<OpenTimes> {
    const { ort, provider, models } = this.#options;
    const start = performance.now();
    const options = {
      executionProviders: [provider],
      graphOptimizationLevel: 'all',
      // its warnings are about nodes that it runs on the CPU by its own choice
      logSeverityLevel: 3,
    };
    const image = await ort.InferenceSession.create(models.image, options);
    const text = models.text === null ? null : await ort.InferenceSession.create(models.text, options);
    this.#sessions = { image, text };
    return { load: performance.now() - start, compile: null };
  }

  async text(): Promise<void> {
    const { inputs, ort } = this.#options;
    const { text } = this.#open;
    if (!text) return;
    const dims = [1, inputs.ids.length];
    this.#report = await text.run({
      ids: new ort.Tensor('int32', inputs.ids, dims),
      mask: this.#mask(),
    });
  }

  async frame(): Promise<Float32Array> {
    const { inputs, ort } = this.#options;
    const { image } = this.#open;
    const { size } = inputs;
    const all: Record<string, unknown> = {
      ...this.#report,
      image: new ort.Tensor('float32', inputs.image, [1, 3, size, size]),
      ...(inputs.ids.length > 0 && { mask: this.#mask() }),
    };
    const feeds = Object.fromEntries(image.inputNames.map(name => [name, all[name]]));
    const { logits } = await image.run(feeds);
    check(
      logits?.data instanceof Float32Array && logits.data.length === size * size,
      'INTERNAL',
      () => `OrtRunner.frame: logits must be ${size} x ${size} numbers, got [${logits?.dims}]; export the model again`,
    );
    return logits.data;
  }

  async dispose(): Promise<void> {
    const sessions = this.#sessions;
    this.#sessions = undefined;
    await sessions?.image.release();
    await sessions?.text?.release();
  }

  #mask(): unknown {
    const { ort, inputs } = this.#options;
    const { length } = inputs.ids;
    return new ort.Tensor('int32', new Int32Array(length).fill(1), [1, length]);
  }

  get #open() {
    check(this.#sessions, 'INTERNAL', 'OrtRunner: the sessions must be open, got none; call open first');
    return this.#sessions;
  }
}
