// Everything of the command that needs a device, in one place: tests put a fake here. The real one is imported when first
// used, because Dawn is a library of some 20 MB and `tmca --help` needs none of it.

import { fileURLToPath } from 'node:url';
import type { Roofline } from '../devices/roofline.js';
import type { AdapterInfo } from '../gpu/adapter.js';
import type {
  AdapterTuning,
  DescribeTuningOptions,
  ForwardInputs,
  InspectedForward,
  InspectedGradients,
  InspectGradientsOptions,
  InspectOptions,
  TrainingInputs,
} from '../node/index.js';
import type { QuantizeOptions, QuantizeReport } from '../quantize/index.js';
import type { AdapterSummary, Session, SessionOptions } from '../runtime/types.js';
import type { TrainOptions, TrainResult } from '../train/run/options.js';

export interface Engine {
  openSession(modelDir: string, options: SessionOptions): Promise<Session>;
  inspectForward(modelDir: string, inputs: ForwardInputs, options: InspectOptions): Promise<InspectedForward>;
  inspectGradients(
    modelDir: string,
    inputs: TrainingInputs,
    options: InspectGradientsOptions,
  ): Promise<InspectedGradients>;
  train(options: TrainOptions): Promise<TrainResult>;
  quantize(modelDir: string, options: QuantizeOptions): Promise<QuantizeReport>;
  /** In the order in which `auto` would take them. Errors: NO_WEBGPU. */
  listAdapters(): Promise<AdapterInfo[]>;
  /** Rates of the adapter that `--device webgpu` opens, measured: about two seconds. Errors: those of `openDevice`. */
  measureRoofline(signal: AbortSignal): Promise<Roofline>;
  /** How kernels are cut for the adapter that `--device webgpu` opens. Errors: those of `describeTuning`. */
  describeTuning(options: DescribeTuningOptions): Promise<AdapterTuning>;
  /** What runs where there is no adapter. */
  describeWasm(): Promise<AdapterSummary & { readonly cores: number }>;
}

export const realEngine: Engine = {
  async openSession(modelDir, options) {
    const { openSession } = await import('../node/index.js');
    return openSession(modelDir, options);
  },
  async inspectForward(modelDir, inputs, options) {
    const { inspectForward } = await import('../node/index.js');
    return inspectForward(modelDir, inputs, options);
  },
  async inspectGradients(modelDir, inputs, options) {
    const { inspectGradients } = await import('../node/index.js');
    return inspectGradients(modelDir, inputs, options);
  },
  async train(options) {
    const { train } = await import('../train/run/train.js');
    return train(options);
  },
  async quantize(modelDir, options) {
    const { quantize } = await import('../quantize/index.js');
    return quantize(modelDir, options);
  },
  async listAdapters() {
    const { nodeGpu } = await import('../gpu/node.js');
    const { listAdapters } = await import('../gpu/adapter.js');
    return listAdapters(await nodeGpu());
  },
  async measureRoofline(signal) {
    const { nodeGpu } = await import('../gpu/node.js');
    const { openDevice } = await import('../gpu/open-device.js');
    const { measureRoofline } = await import('../devices/roofline.js');
    const { stopwatchFor } = await import('../devices/node/driver-threads.js');
    using gpu = await openDevice({ gpu: await nodeGpu(), prefer: 'any', signal });
    return await measureRoofline(gpu, { stopwatch: stopwatchFor(gpu), signal });
  },
  async describeTuning(options) {
    const { describeTuning } = await import('../node/adapter-tuning.js');
    return describeTuning(options);
  },
  async describeWasm() {
    const { describeWasm } = await import('../node/index.js');
    return describeWasm();
  },
};

/** The small trained model that the package ships. From `cli/` and from the built `dist/` alike. */
export const shippedModel = fileURLToPath(new URL('../models/nano', import.meta.url));
