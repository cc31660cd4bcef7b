// An ONNX graph in onnxruntime-web's wasm: named tensors in, named tensors out.

import type * as OrtNamespace from 'onnxruntime-web';
import { check, TmcaError } from '../../errors/index.js';
import { type Shape, sizeOf } from '../../model/graph.js';
import { type SplitModel, WEIGHTS } from '../onnx/model.js';
import { SerialQueue } from '../queue.js';

/** onnxruntime-web, as its module is. */
export type Ort = typeof OrtNamespace;

/** Numbers in a shape. */
export interface Feed {
  readonly shape: Shape;
  readonly data: Float32Array | Int32Array;
}

export type Result = Feed & { readonly data: Float32Array };

const ASKED: OrtNamespace.InferenceSession.SessionOptions = {
  executionProviders: ['wasm'],
  graphOptimizationLevel: 'all',
  // Its warnings are about its own optimiser's choices.
  logSeverityLevel: 3,
};

/** onnxruntime-web holds one set of external data at a time, for whichever session is being made. */
const creations = new SerialQueue();

export class OnnxNetwork {
  private constructor(
    private readonly ort: Ort,
    private readonly session: OrtNamespace.InferenceSession,
  ) {}

  /**
   * @param sizes what is known of the graph's symbols, such as `{ batch: 1 }`
   * @throws TmcaError ENGINE_FAILED with what onnxruntime says
   */
  static async create(
    ort: Ort,
    { model, weights }: SplitModel,
    sizes: Readonly<Record<string, number>> = {},
  ): Promise<OnnxNetwork> {
    const options = {
      ...ASKED,
      freeDimensionOverrides: sizes,
      externalData: [{ path: WEIGHTS, data: weights }],
    };
    const session = await creations
      .run(() => ort.InferenceSession.create(model, options))
      .catch(cause => {
        throw failed('OnnxNetwork.create', cause);
      });
    return new OnnxNetwork(ort, session);
  }

  get outputNames(): readonly string[] {
    return this.session.outputNames;
  }

  /**
   * Runs on this thread: nothing else happens on it until this settles.
   * @throws TmcaError ENGINE_FAILED with what onnxruntime says
   */
  async run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, Result>> {
    const { Tensor } = this.ort;
    const given = Object.entries(feeds).map(([name, { data, shape }]) => [
      name,
      data instanceof Int32Array ? new Tensor('int32', data, shape) : new Tensor('float32', data, shape),
    ]);
    const outputs = await this.session.run(Object.fromEntries(given)).catch(cause => {
      throw failed('OnnxNetwork.run', cause);
    });
    const results = Object.entries(outputs).map(([name, { dims, data }]): [string, Result] => {
      check(
        data instanceof Float32Array && data.length === sizeOf(dims),
        'ENGINE_FAILED',
        () => `OnnxNetwork.run: ${name} must be ${sizeOf(dims)} numbers, got ${data.length}; please report it`,
      );
      return [name, { shape: dims, data }];
    });
    return Object.fromEntries(results);
  }

  /** Twice is an error of onnxruntime's; callers see to it. */
  dispose(): void {
    // Settles at once: what it frees is on this thread.
    void this.session.release();
  }
}

function failed(where: string, cause: unknown): TmcaError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new TmcaError('ENGINE_FAILED', `${where}: onnxruntime must run the network, got "${said}"; please report it`, {
    cause,
  });
}
