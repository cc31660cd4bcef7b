// The package in Node: sessions on Dawn or in wasm, model folders on disk or by address. Research use; not a medical device.

import { availableParallelism } from 'node:os';
import { checkArgument } from '../../errors/arguments.js';
import type { TrainingInputs } from '../gradients.js';
import type { ForwardInputs } from '../inspect.js';
import { readModelFiles } from '../model-folder/index.js';
import {
  type InspectedForward,
  type InspectedGradients,
  type InspectGradientsOptions,
  type InspectOptions,
  inspectForward as inspect,
  inspectGradients as inspectGradientsOf,
} from '../open-inspect.js';
import { type PlanFigures, planFigures } from '../plan-figures.js';
import { plannedPrecision } from '../planned-precision.js';
import { loadOrt } from '../platform.js';
import type { AdapterSummary, DTypeChoice } from '../types.js';
import { wasmAdapter } from '../wasm/facts.js';
import { nodeIo } from './folder.js';
import { nodePlatform as node } from './platform.js';
import { checkModel } from './session.js';

export { type ErrorCode, TmcaError } from '../../errors/index.js';
export type { TrainingInputs } from '../gradients.js';
export type { ForwardInputs } from '../inspect.js';
export type { InspectedForward, InspectedGradients, InspectGradientsOptions, InspectOptions } from '../open-inspect.js';
export type { PlanFigures, ProgramFigures } from '../plan-figures.js';
export type * from '../types.js';
export type { ImageScore, Scores } from './evaluate.js';
export { type EvaluateModelOptions, type Evaluation, evaluate } from './evaluate-dataset.js';
export { type ExportOnnxOptions, exportOnnx, type OnnxExport, type OnnxFile, type OnnxPort } from './export-onnx.js';
export {
  type DecodedImage,
  type DecodeOptions,
  decodeImage as readImage,
} from './images.js';
export type { FileNote } from './notes.js';
export { type ImageFile, type NodeSession, openSession } from './session.js';
export type { AdapterTuning, DescribeTuningOptions } from './tuning.js';

/** Every checkpointed output of a model folder; see `inspectForward` of runtime/open.ts. */
export async function inspectForward(
  modelDir: string,
  inputs: ForwardInputs,
  options: InspectOptions = {},
): Promise<InspectedForward> {
  checkModel('inspectForward', modelDir, options);
  checkInputs('inspectForward', inputs, ['image', 'ids', 'mask']);
  return inspect(modelDir, node, inputs, options);
}

/** The training loss and every parameter's gradient; see `inspectGradients` of runtime/open.ts. */
export async function inspectGradients(
  modelDir: string,
  inputs: TrainingInputs,
  options: InspectGradientsOptions = {},
): Promise<InspectedGradients> {
  checkModel('inspectGradients', modelDir, options);
  checkInputs('inspectGradients', inputs, ['image', 'ids', 'mask', 'target']);
  return inspectGradientsOf(modelDir, node, inputs, options);
}

/** The wasm engine, and the cores that it could use. Errors: ENGINE_UNAVAILABLE. */
export async function describeWasm(): Promise<AdapterSummary & { readonly cores: number }> {
  const opened = await loadOrt(node, '', {});
  return { ...wasmAdapter(opened.ort), cores: availableParallelism() };
}

/** What a model folder takes on a device; none is opened. Errors: those of its config.json. */
export async function inspectPlan(
  modelDir: string,
  dtype: DTypeChoice = 'auto',
  shaderF16 = true,
): Promise<PlanFigures> {
  checkModel('inspectPlan', modelDir, {});
  const { config } = await readModelFiles(modelDir, nodeIo);
  return planFigures(config, plannedPrecision(config, dtype, shaderF16));
}

function checkInputs(where: string, inputs: unknown, names: readonly string[]): void {
  const todo = `give tensors { shape, data } as { ${names.join(', ')} }`;
  checkArgument(where, 'the inputs', inputs, 'record', todo);
  for (const name of names) checkArgument(where, name, (inputs as Record<string, unknown>)[name], 'record', todo);
}
