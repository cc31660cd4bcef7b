// Two runs of one graph, layer by layer: as it will be stored, and beside it in f32 over the source's weights. Finite output
// proves nothing in f16: an overflow inside a layer gives finite, wrong masks.

import type { Assembly } from '../assembly/index.js';
import type { ParameterStream } from '../formats/weights/load-constants.js';
import type { GpuDevice } from '../gpu/device.js';
import type { Outputs } from '../graph/graph.js';
import { setPrecision } from '../graph/passes/index.js';
import { type GraphRun, runGraph } from '../runtime/engines/webgpu/run-graph.js';
import type { ExampleInputs } from './inputs.js';
import { type Layer, layersOf, overFloats } from './layers.js';

export interface Difference {
  readonly max_abs_error: number;
  /** The cosine of the two as vectors; 1 where both are zero, null where a number is not finite. */
  readonly cosine: number | null;
  /** The range of the numbers in the f32 run. */
  readonly range: readonly [least: number, most: number];
}

export interface LayerReport extends Difference {
  readonly layer: string;
  readonly op: string;
  readonly parameters: readonly string[];
}

export interface Traced {
  readonly layers: readonly LayerReport[];
  readonly logits: Difference & {
    /** Share of pixels on the same side of 0. */
    readonly mask_agreement: number;
  };
}

/** What runs, and how: the graph is prepared for int8 or not, its activations still f32. */
export interface TraceSubject {
  readonly graph: Outputs;
  readonly int8: ReadonlySet<string>;
  readonly wide: ReadonlySet<string>;
  readonly activations: 'f32' | 'f16';
  readonly source: ParameterStream;
  readonly stored: ParameterStream;
}

export function differenceOf(reference: Float32Array, found: Float32Array): Difference {
  let [least, most, worst] = [Infinity, -Infinity, 0];
  let [product, length, other] = [0, 0, 0];
  for (let i = 0; i < reference.length; i++) {
    const [a, b] = [reference[i]!, found[i]!];
    if (a < least) least = a;
    if (a > most) most = a;
    const error = Math.abs(a - b);
    if (!(error <= worst)) worst = error; // NaN comes through
    product += a * b;
    length += a * a;
    other += b * b;
  }
  const cosine = length === 0 && other === 0 ? 1 : product / Math.sqrt(length * other);
  return { max_abs_error: worst, cosine: Number.isFinite(cosine) ? cosine : null, range: [least, most] };
}

/** Every layer as an output, under its number. */
const everyLayer = (layers: readonly Layer[]): Outputs =>
  Object.fromEntries(layers.map(({ tensor }, i) => [String(i), tensor]));

/**
 * @param onStep called after each of the two runs
 * @throws TmcaError of loading and of the device
 */
export async function traceLayers(
  gpu: GpuDevice,
  assembly: Assembly,
  { graph, int8, wide, activations, source, stored }: TraceSubject,
  { feed }: ExampleInputs,
  { signal, onStep }: { readonly signal?: AbortSignal | undefined; readonly onStep?: () => void } = {},
): Promise<Traced> {
  const run = async (outputs: Outputs, weights: 'f32' | 'f16', parameters: ParameterStream): Promise<GraphRun> => {
    const done = await runGraph(gpu, assembly, outputs, feed, { weights, wide, parameters, signal });
    onStep?.();
    return done;
  };
  const layers = layersOf(graph);
  const reference = await run(everyLayer(layersOf(overFloats(graph, int8))), 'f32', source);
  const lowered = await run(everyLayer(layersOf(setPrecision(graph, activations))), 'f16', stored);
  const valuesOf = ({ outputs }: GraphRun, at: number | string) => outputs[at]!.data;
  const reports = layers.map(({ name, op, parameters }, i) => ({
    layer: name,
    op,
    ...differenceOf(valuesOf(reference, i), valuesOf(lowered, i)),
    parameters,
  }));
  const at = layers.findIndex(({ tensor }) => tensor === graph.logits);
  const [expected, found] = [valuesOf(reference, at), valuesOf(lowered, at)];
  let agreeing = 0;
  for (let i = 0; i < expected.length; i++) agreeing += expected[i]! >= 0 === found[i]! >= 0 ? 1 : 0;
  return {
    layers: reports,
    logits: { ...differenceOf(expected, found), mask_agreement: agreeing / expected.length },
  };
}
