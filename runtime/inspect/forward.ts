// `inspect forward`: every checkpointed output of a network for given inputs, under the reference's names and in its
// layout, through the passes and kernels that ship.

import type { Assembly } from '../../assembly/instance.js';
import { check } from '../../errors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { GpuDevice } from '../../gpu/device.js';
import { type Shape, showShape } from '../../graph/graph.js';
import { channelsFirst, channelsLast } from '../../graph/map-layout.js';
import { prepare } from '../../graph/passes/index.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { PrecisionChoice } from '../engines/choice.js';
import { type GraphRun, type HostTensor, runGraph } from '../engines/webgpu/run-graph.js';
import type { LoadOptions } from '../engines/webgpu/weights.js';

/** `image` [B,3,S,S] normalised, and of a network that takes a sentence `ids` [B,L] and `mask` [B,L]. */
export interface ForwardInputs {
  readonly image: HostTensor;
  readonly ids?: HostTensor;
  readonly mask?: HostTensor;
}

export interface ForwardRun extends Omit<GraphRun, 'outputs'> {
  /** Names of reference/README.md; maps are channels-first. */
  readonly outputs: Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;
}

/** Batch and text length of inputs that fit the network. @throws TmcaError BAD_ARGUMENT, in the name of `where` */
export function checkInputs(
  where: string,
  config: Config,
  { image, ids, mask }: ForwardInputs,
): { batch: number; length: number } {
  const [batch = 0] = image.shape;
  const size = config.imageSize;
  const { text, inputs } = Network.of(config);
  const shown = (t: HostTensor | undefined) => (t ? showShape(t.shape) : 'nothing');
  const fits = (t: HostTensor | undefined, shape: Shape) => shown(t) === showShape(shape);
  const length = text ? (ids?.shape[1] ?? 0) : 0;
  const ofText = text ? length > 0 && fits(ids, [batch, length]) && fits(mask, [batch, length]) : !ids && !mask;
  check(
    batch > 0 && fits(image, [batch, 3, size, size]) && ofText,
    'BAD_ARGUMENT',
    () =>
      `${where}: inputs must be ${inputs.map(name => `${name} ${name === 'image' ? `[B,3,${size},${size}]` : '[B,L]'}`).join(', ')}, ` +
      `got image ${shown(image)}, ids ${shown(ids)} and mask ${shown(mask)}`,
  );
  if (!text || !ids) return { batch, length };
  check(
    length <= text.maxPositions,
    'BAD_ARGUMENT',
    `${where}: a text may have ${text.maxPositions} tokens, got ${length}; shorten it`,
  );
  const { vocabSize } = text;
  const stray = Array.from(ids.data).find(id => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  check(
    stray === undefined,
    'BAD_ARGUMENT',
    () => `${where}: ids must be whole numbers below ${vocabSize}, got ${stray}; check the vocabulary`,
  );
  return { batch, length };
}

/** @throws TmcaError BAD_ARGUMENT where inputs do not fit the network; what loading and the device throw */
export async function runForward(
  gpu: GpuDevice,
  assembly: Assembly,
  config: Config,
  inputs: ForwardInputs,
  precision: PrecisionChoice,
  parameters: ParameterStream,
  options: LoadOptions = {},
): Promise<ForwardRun> {
  const { batch, length } = checkInputs('inspectForward', config, inputs);
  const graph = Network.of(config).forward(batch, length).named;
  const run = await runGraph(
    gpu,
    assembly,
    prepare(graph, precision),
    { ...inputs, image: channelsLast(inputs.image) },
    { ...options, weights: precision.weights, wide: precision.wide, parameters },
  );
  const outputs = Object.entries(run.outputs).map(([name, tensor]) => [name, channelsFirst(tensor)] as const);
  return { ...run, outputs: Object.fromEntries(outputs) };
}
