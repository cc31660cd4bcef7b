// `inspect gradients`: the training loss of given inputs and every parameter's gradient, under the checkpoint's names and in
// its shapes, through the graph and kernels that training runs.

import type { Assembly } from '../../assembly/index.js';
import { check } from '../../errors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { GpuDevice } from '../../gpu/device.js';
import { type Shape, showShape } from '../../graph/graph.js';
import { channelsLast } from '../../graph/map-layout.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { type LossValues, type TrainingOptions, trainingGraph } from '../../networks/training.js';
import { type GraphRun, type HostTensor, runGraph } from '../engines/webgpu/run-graph.js';
import type { LoadOptions } from '../engines/webgpu/weights.js';
import { checkInputs, type ForwardInputs } from './forward.js';

export interface TrainingInputs extends ForwardInputs {
  /** [B,1,S,S], 1 where there is a lesion. */
  readonly target: HostTensor;
}

export interface GradientRun extends Omit<GraphRun, 'outputs'> {
  readonly losses: LossValues;
  /** By checkpoint name, in the checkpoint's shape; what the loss does not depend on has none. */
  readonly gradients: Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;
}

function checkTarget({ shape, data }: HostTensor, batch: number, size: number): void {
  check(
    showShape(shape) === showShape([batch, 1, size, size]),
    'BAD_ARGUMENT',
    () => `inspectGradients: target must be ${showShape([batch, 1, size, size])}, got ${showShape(shape)}`,
  );
  const stray = Array.from(data).find(value => value !== 0 && value !== 1);
  check(
    stray === undefined,
    'BAD_ARGUMENT',
    () => `inspectGradients: target must hold 0 and 1, got ${stray}; threshold the mask`,
  );
}

/** @throws TmcaError BAD_ARGUMENT where inputs do not fit the network; what loading and the device throw */
export async function runGradients(
  gpu: GpuDevice,
  assembly: Assembly,
  config: Config,
  inputs: TrainingInputs,
  parameters: ParameterStream,
  options: LoadOptions & TrainingOptions = {},
): Promise<GradientRun> {
  const { batch, length } = checkInputs('inspectGradients', config, inputs);
  checkTarget(inputs.target, batch, config.imageSize);
  const { losses, gradients } = trainingGraph(Network.of(config), batch, length, options);
  const { outputs, ...run } = await runGraph(
    gpu,
    assembly,
    { ...losses, ...gradients },
    { ...inputs, image: channelsLast(inputs.image), target: channelsLast(inputs.target) },
    { ...options, weights: 'f32', parameters },
  );
  const values = Object.keys(losses).map(name => [name, outputs[name]!.data[0]!] as const);
  const found = Object.keys(gradients).map(name => [name, outputs[name]!] as const);
  return { ...run, losses: Object.fromEntries(values) as unknown as LossValues, gradients: Object.fromEntries(found) };
}
