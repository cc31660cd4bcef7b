// A network in onnxruntime-web's wasm: where there is no usable GPU. The ONNX models come from the graph in memory, so a
// model folder needs no second file. Weights are fp32 there whatever the folder stores, and so is the arithmetic.

import type { Assembly } from '../../../assembly/index.js';
import { throwIfAborted } from '../../../errors/index.js';
import { type OnnxFacts, splitModels } from '../../../formats/onnx/model.js';
import { onnxPlans } from '../../../formats/onnx/plans.js';
import type { ParameterStream } from '../../../formats/weights/load-constants.js';
import type { Config } from '../../../networks/config.js';
import type { Progress } from '../../types.js';
import type { EngineReport, EngineStats, NetworkEngine } from '../network-engine.js';
import { OnnxNetwork, type Ort, type Result } from './network.js';

export interface WasmEngineParts {
  readonly ort: Ort;
  readonly assembly: Assembly;
  readonly config: Config;
  readonly parameters: ParameterStream;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A sentence: what image.onnx reads of it. */
class WasmReport implements EngineReport {
  constructor(readonly feeds: Readonly<Record<string, Result | { shape: readonly number[]; data: Int32Array }>>) {}

  /** Plain arrays: let go with the report. */
  dispose(): void {}
}

/** Nobody reads what a model in memory says of itself. */
const FACTS: OnnxFacts = { name: 'tmca', description: '', producerVersion: '', metadata: {} };

export class WasmEngine implements NetworkEngine<WasmReport> {
  readonly input = { dtype: 'f32', layout: 'nchw' } as const;
  #disposed = false;

  private constructor(
    private readonly size: number,
    private readonly image: OnnxNetwork,
    /** Null where the network takes an image alone. */
    private readonly text: OnnxNetwork | null,
    private readonly weightBytes: number,
  ) {}

  /** @throws TmcaError ENGINE_FAILED, MODEL_INCOMPLETE, ABORTED; what the stream throws */
  static async create({ ort, assembly, config, parameters, signal, onProgress }: WasmEngineParts): Promise<WasmEngine> {
    const plans = onnxPlans(config, 'f32', true);
    const graphs = plans.text ? [plans.image, plans.text] : [plans.image];
    const models = await splitModels(graphs, FACTS, assembly, parameters, { signal, onProgress });
    const networks: OnnxNetwork[] = [];
    try {
      for (const model of models) {
        throwIfAborted(signal, 'WasmEngine.create');
        onProgress?.({ phase: 'compile', loaded: networks.length, total: models.length });
        networks.push(await OnnxNetwork.create(ort, model, { batch: 1 }));
      }
    } catch (error) {
      for (const network of networks) network.dispose();
      throw error;
    }
    const bytes = models.reduce((sum, { model, weights }) => sum + model.length + weights.length, 0);
    return new WasmEngine(config.imageSize, networks[0]!, networks[1] ?? null, bytes);
  }

  /** Wasm is not lost. */
  check(): void {}

  async encode(ids: Int32Array): Promise<WasmReport> {
    if (!this.text) return new WasmReport({});
    const shape = [1, ids.length];
    const mask = { shape, data: new Int32Array(ids.length).fill(1) };
    return new WasmReport({ mask, ...(await this.text.run({ ids: { shape, data: ids }, mask })) });
  }

  async run(input: Float32Array | Uint16Array, report: WasmReport, signal?: AbortSignal): Promise<Float32Array> {
    const image = { shape: [1, 3, this.size, this.size], data: input as Float32Array };
    const { logits } = await this.image.run({ image, ...report.feeds }, signal);
    return logits!.data;
  }

  /** Nothing is dispatched, and the weights are in wasm memory. */
  stats(): EngineStats {
    const gpuBytes = { weights: this.weightBytes, arena: 0, other: 0 };
    return { dispatches: { frame: 0, text: 0 }, gpuBytes, tuning: null };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.image.dispose();
    this.text?.dispose();
  }
}
