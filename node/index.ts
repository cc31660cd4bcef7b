// The package in Node: sessions on Dawn or in wasm, model folders on disk or by address. Research use; not a medical device.

import { availableParallelism } from 'node:os';
import { checkArgument } from '../errors/arguments.js';
import { readModelFiles } from '../formats/model-folder/index.js';
import { type PlanFigures, planFigures } from '../runtime/engines/plan-figures.js';
import { plannedPrecision } from '../runtime/engines/planned-precision.js';
import { wasmAdapter } from '../runtime/engines/wasm/facts.js';
import { loadOrt } from '../runtime/engines/wasm/load.js';
import type { ForwardInputs } from '../runtime/inspect/forward.js';
import type { TrainingInputs } from '../runtime/inspect/gradients.js';
import {
  type InspectedForward,
  type InspectedGradients,
  type InspectGradientsOptions,
  type InspectOptions,
  inspectForward as inspect,
  inspectGradients as inspectGradientsOf,
} from '../runtime/inspect/open.js';
import type { AdapterSummary, DTypeChoice } from '../runtime/types.js';
import { nodeIo } from './model-folder/folder.js';
import { nodePlatform as node } from './platform.js';
import { checkModel } from './session.js';

export { type ErrorCode, TmcaError } from '../errors/index.js';
export {
  type Finding,
  type FindingKind,
  promptsOf,
  type RoutineReport,
  readReport,
} from '../language/reports/index.js';
export type { PlanFigures, ProgramFigures } from '../runtime/engines/plan-figures.js';
export type { ForwardInputs } from '../runtime/inspect/forward.js';
export type { TrainingInputs } from '../runtime/inspect/gradients.js';
export type {
  InspectedForward,
  InspectedGradients,
  InspectGradientsOptions,
  InspectOptions,
} from '../runtime/inspect/open.js';
export {
  type CocoRle,
  type CocoRuns,
  fromRle,
  type JsonResult,
  lesionMask,
  maskToPng,
  probabilityToPng,
  shareOfView,
  toJson,
  toRle,
  toRuns,
} from '../runtime/results.js';
export type * from '../runtime/types.js';
export type { AdapterTuning, DescribeTuningOptions } from './adapter-tuning.js';
export type { ImageScore, Scores } from './datasets/evaluate.js';
export { type EvaluateModelOptions, type Evaluation, evaluate, evaluateWays } from './datasets/evaluate-dataset.js';
export type { SentenceEvaluation, SentenceRow } from './datasets/evaluate-sentences.js';
export { type ExportOnnxOptions, exportOnnx, type OnnxExport, type OnnxFile, type OnnxPort } from './export-onnx.js';
export {
  type DecodedImage,
  type DecodeOptions,
  decodeImage as readImage,
} from './images/image-files.js';
export type { FileNote } from './notes.js';
export { type ImageFile, type NodeSession, openSession } from './session.js';

/** Every checkpointed output of a model folder; see `inspectForward` of runtime/inspect/open.ts. */
export async function inspectForward(
  modelDir: string,
  inputs: ForwardInputs,
  options: InspectOptions = {},
): Promise<InspectedForward> {
  checkModel('inspectForward', modelDir, options);
  checkInputs('inspectForward', inputs, ['image']);
  return inspect(modelDir, node, inputs, options);
}

/** The training loss and every parameter's gradient; see `inspectGradients` of runtime/inspect/open.ts. */
export async function inspectGradients(
  modelDir: string,
  inputs: TrainingInputs,
  options: InspectGradientsOptions = {},
): Promise<InspectedGradients> {
  checkModel('inspectGradients', modelDir, options);
  checkInputs('inspectGradients', inputs, ['image', 'target']);
  return inspectGradientsOf(modelDir, node, inputs, options);
}

/** The wasm engine, and the cores that it could use. Errors: ENGINE_UNAVAILABLE. */
export async function describeWasm(): Promise<AdapterSummary & { readonly cores: number }> {
  const ort = await loadOrt(node);
  return { ...wasmAdapter(ort), cores: availableParallelism() };
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

/** Tensors that every network takes, and those of a sentence where they are given: only its config.json tells who reads one. */
function checkInputs(where: string, inputs: unknown, names: readonly string[]): void {
  const todo = `give tensors { shape, data } as { ${names.join(', ')} }, and { ids, mask } to a network that reads text`;
  checkArgument(where, 'the inputs', inputs, 'record', todo);
  const given = inputs as Record<string, unknown>;
  const texts = ['ids', 'mask'].filter(name => given[name] !== undefined);
  for (const name of [...names, ...texts]) checkArgument(where, name, given[name], 'record', todo);
}
