// One quantization under way: parameters stored by rule, the network looked at, its masks scored. Nothing is written.

import type { Assembly } from '../assembly/instance.js';
import { throwIfAborted } from '../errors/index.js';
import { checkFinite, type FolderIo, type ModelFolder } from '../formats/model-folder/index.js';
import type { SafetensorsTensor } from '../formats/safetensors/index.js';
import { int8Parameters } from '../formats/weights/int8.js';
import type { ParameterStream } from '../formats/weights/load-constants.js';
import type { GpuDevice } from '../gpu/device.js';
import { nodeGpu } from '../gpu/node.js';
import { openDevice } from '../gpu/open-device.js';
import type { Outputs } from '../graph/graph.js';
import { prepare } from '../graph/passes/index.js';
import { int8Passes } from '../graph/passes/int8.js';
import type { Config } from '../networks/config.js';
import { Network } from '../networks/network.js';
import type { DatasetRecord } from '../node/datasets/dataset.js';
import { nodeIo } from '../node/model-folder/folder.js';
import { nodePlatform } from '../node/platform.js';
import { choosePrecision } from '../runtime/engines/choice.js';
import { openModel } from '../runtime/session/open.js';
import type { AdapterSummary, TuneChoice } from '../runtime/types.js';
import { auditRanges, wideParameters } from './audit.js';
import type { ExampleInputs } from './inputs.js';
import type { QuantizeOptions, QuantizeProgress } from './options.js';
import { type Agreement, agreementOf, scoreSession } from './score.js';
import { type StoredParameter, storeParameter } from './store.js';
import { type Traced, traceLayers } from './trace.js';

export type Report = (phase: QuantizeProgress['phase'], done: number, total: number) => void;

/** What looking gives: the files to be, and what was seen. */
export interface Looked {
  readonly config: Config;
  readonly parameters: readonly StoredParameter[];
  readonly tensors: readonly SafetensorsTensor[];
  readonly traced: Traced;
  readonly audit: Awaited<ReturnType<typeof auditRanges>>;
  readonly adapter: AdapterSummary;
  /** Activations of the trace. */
  readonly activations: 'f32' | 'f16';
}

export interface Scores {
  readonly agreement: Agreement;
  /** With products in whole numbers; null where nobody asked. */
  readonly whole: Agreement | null;
  /** What was taken for granted of images, a line for each thing. */
  readonly notes: readonly string[];
}

/** Steps of looking: folded weights, two runs of the trace, the audit. */
const LOOKS = 4;

export class Quantization {
  constructor(
    private readonly assembly: Assembly,
    private readonly folder: ModelFolder,
    private readonly inputs: ExampleInputs,
    private readonly options: QuantizeOptions,
    private readonly report: Report,
  ) {}

  async look(): Promise<Looked> {
    const { signal, to } = this.options;
    const { config } = this.folder;
    const gpu = await openDevice({ gpu: await nodeGpu(), prefer: 'any', ...(signal && { signal }) });
    try {
      let parameters = await this.#store(new Set());
      const graph = this.#graph();
      const whole = () => new Set(parameters.flatMap(p => (p.dtype === 'int8' ? [p.name] : [])));
      const prepared = () =>
        prepare(graph, { int8: whole().size > 0 ? int8Passes(whole()) : undefined, activations: 'f32' });
      const wideNow = () =>
        new Set(parameters.flatMap(p => (p.dtype === 'fp32' && p.shape.length >= 2 ? [p.name] : [])));
      const folded = await wideParameters(prepared(), streamOf(parameters), wideNow(), signal);
      this.report('look', 1, LOOKS);
      if (folded.wide.size > 0) parameters = await this.#store(folded.wide);
      const wide = wideNow();
      const { activations } = choosePrecision(to, config.dtype, gpu.features.f16);
      let steps = 1;
      const onStep = () => this.report('look', ++steps, LOOKS);
      const subject = { graph: prepared(), int8: whole(), wide, source: this.#source(), stored: streamOf(parameters) };
      const trace = (kept: 'f32' | 'f16') =>
        traceLayers(gpu, this.assembly, { ...subject, activations: kept }, this.inputs, { signal, onStep });
      let traced = await trace(activations);
      const audit = await auditRanges(gpu, this.assembly, graph, this.#source(), this.inputs, traced.layers, signal);
      this.report('look', LOOKS, LOOKS);
      const wideActivations = audit.findings.some(({ kind }) => kind === 'activation');
      if (wideActivations && activations === 'f16') traced = await trace('f32');
      const extra = { ...config.extra, ...(wideActivations && { activations: 'fp32' }) };
      return {
        config: { ...config, dtype: to, extra },
        parameters,
        tensors: parameters.flatMap(p => p.tensors),
        traced,
        audit: { ...audit, findings: [...folded.findings, ...audit.findings] },
        adapter: summaryOf(gpu),
        activations: wideActivations ? 'f32' : activations,
      };
    } finally {
      gpu.dispose();
    }
  }

  /** Dice of the source in fp32 and of the new folder, before it is one; and of that with its products in whole numbers. */
  async score(model: string, stored: FolderIo, records: readonly DatasetRecord[]): Promise<Scores> {
    const { signal, integerProducts = false } = this.options;
    const total = (integerProducts ? 3 : 2) * records.length;
    let done = 0;
    const onRecord = () => this.report('score', ++done, total);
    const scored = async (io: FolderIo, dtype: 'fp32' | 'auto', tune: TuneChoice = false) => {
      const platform = { ...nodePlatform, io };
      // where the layers were looked at, whatever `auto` would take for speed
      const session = await openModel(model, platform, { device: 'webgpu', dtype, tune, ...(signal && { signal }) });
      try {
        return await scoreSession(this.assembly, session, records, { signal, onRecord });
      } finally {
        session.dispose();
      }
    };
    const before = await scored(nodeIo, 'fp32');
    const agreement = agreementOf(before, await scored(stored, 'auto'));
    const whole = integerProducts ? agreementOf(before, await scored(stored, 'auto', 'integer')) : null;
    return { agreement, whole, notes: before.notes };
  }

  #graph(): Outputs {
    const { config } = this.folder;
    const { batch, length } = this.inputs;
    return Network.of(config).logits(batch, length);
  }

  /** The source's tensors, each checked as it passes. Read anew each time. */
  #source(): ParameterStream {
    const { weights } = this.folder;
    return {
      async *tensors() {
        for await (const tensor of weights.tensors()) {
          checkFinite(tensor.name, tensor);
          yield tensor;
        }
      },
    };
  }

  async #store(wide: ReadonlySet<string>): Promise<readonly StoredParameter[]> {
    const { config, weights } = this.folder;
    const expected = Network.of(config).parameters;
    const whole = this.options.to === 'int8' ? int8Parameters(config) : new Set<string>();
    const stored: StoredParameter[] = [];
    for await (const tensor of this.#source().tensors()) {
      throwIfAborted(this.options.signal, 'quantize');
      // PyTorch's counters and the like are no part of the network.
      if (!expected.has(tensor.name)) continue;
      const { name } = tensor;
      stored.push(storeParameter(this.assembly, tensor, { whole: whole.has(name), wide: wide.has(name) }));
      this.report('store', stored.length, weights.header.tensors.size);
    }
    return stored;
  }
}

const streamOf = (parameters: readonly StoredParameter[]): ParameterStream => ({
  async *tensors() {
    for (const { tensors } of parameters) yield* tensors;
  },
});

function summaryOf({ adapter }: GpuDevice): AdapterSummary {
  const { vendor, architecture, description, software, features } = adapter;
  return { vendor, architecture, description, software, features };
}
