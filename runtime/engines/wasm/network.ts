// An ONNX graph in onnxruntime-web's wasm: named tensors in, named tensors out.

import type * as OrtNamespace from 'onnxruntime-web';
import { check, TmcaError } from '../../../errors/index.js';
import { type SplitModel, WEIGHTS } from '../../../formats/onnx/model.js';
import { type Shape, sizeOf } from '../../../graph/graph.js';
import { SerialQueue } from '../../serial-queue.js';

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

/**
 * One call of onnxruntime-web at a time, of all sessions: it holds one set of external data, for whichever session is being made,
 * and a run waits between two of its inputs while others would take from the one stack of its memory.
 */
const calls = new SerialQueue();

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
    const where = 'OnnxNetwork.create';
    const create = () => ort.InferenceSession.create(model, options).catch(failing(where));
    return new OnnxNetwork(ort, await calls.run(create, where));
  }

  get outputNames(): readonly string[] {
    return this.session.outputNames;
  }

  /**
   * Runs on this thread: nothing else happens on it meanwhile.
   * @param feeds arrays that keep their numbers until this settles
   * @throws TmcaError ENGINE_FAILED with what onnxruntime says; ABORTED where the signal fires before this run begins
   */
  async run(feeds: Readonly<Record<string, Feed>>, signal?: AbortSignal): Promise<Record<string, Result>> {
    const where = 'OnnxNetwork.run';
    const { Tensor } = this.ort;
    const given = Object.entries(feeds).map(([name, { data, shape }]) => [
      name,
      data instanceof Int32Array ? new Tensor('int32', data, shape) : new Tensor('float32', data, shape),
    ]);
    const run = () => this.session.run(Object.fromEntries(given)).catch(failing(where));
    const outputs = await calls.run(run, where, signal);
    const results = Object.entries(outputs).map(([name, { dims, data }]): [string, Result] => {
      check(
        data instanceof Float32Array && data.length === sizeOf(dims),
        'ENGINE_FAILED',
        () => `${where}: ${name} must be ${sizeOf(dims)} numbers, got ${data.length}; please report it`,
      );
      return [name, { shape: dims, data }];
    });
    return Object.fromEntries(results);
  }

  /** After the run under way. Twice is an error of onnxruntime's; callers see to it. */
  dispose(): void {
    void calls.run(() => this.session.release(), 'OnnxNetwork.dispose');
  }
}

/** For `catch`: what onnxruntime threw, with a code. */
const failing = (where: string) => (cause: unknown) => {
  const said = cause instanceof Error ? cause.message : String(cause);
  const message = `${where}: onnxruntime must run the network, got "${said}"; please report it`;
  throw new TmcaError('ENGINE_FAILED', message, { cause });
};
