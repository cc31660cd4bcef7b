// The range audit: where f16 would not hold what the network computes, seen in an f32 run of the graph as its author wrote it.
// What is found is named, with the rule that keeps it right. Kernels take variances, softmax and GELU in f32 registers
// whatever is stored, so that for these the finding tells what an engine with f16 arithmetic would do.

import type { Assembly } from '../assembly/index.js';
import { toFloat32 } from '../formats/safetensors/index.js';
import { loadConstants, type ParameterStream } from '../formats/weights/load-constants.js';
import type { GpuDevice } from '../gpu/device.js';
import { type Outputs, parametersOf, type Tensor, topological } from '../graph/graph.js';
import { lower } from '../graph/lower.js';
import { asOp } from '../graph/passes/rewrite.js';
import { runGraph } from '../runtime/engines/webgpu/run-graph.js';
import { collectConstants } from '../runtime/engines/webgpu/weights.js';
import type { ExampleInputs } from './inputs.js';
import { joinNames } from './layers.js';
import { HALF_MAX } from './store.js';
import type { LayerReport } from './trace.js';

export interface Finding {
  readonly layer: string;
  readonly kind: 'weight' | 'activation' | 'variance' | 'gelu';
  /** What was measured, and the limit that it passes. */
  readonly value: number;
  readonly limit: number;
  /** What is kept in f32, and by which rule. */
  readonly rule: string;
}

/** Largest values met in the run, whether or not they pass a limit. */
export interface Ranges {
  /** Largest magnitude of a stored activation. */
  readonly activation: number;
  /** Largest square of a deviation from its row's mean, in any LayerNorm. */
  readonly squared_deviation: number;
  /** Largest magnitude before any GELU. */
  readonly gelu: number;
}

/** Beyond this the cube in GELU's tanh form is beyond 65,504. */
const GELU_LIMIT = Math.cbrt(HALF_MAX);

/** What norms and GELUs read, by the name of the norm or of the linear before the GELU. */
function watched(graph: Outputs): { outputs: Outputs; kinds: ReadonlyMap<string, 'variance' | 'gelu'> } {
  const outputs: Record<string, Tensor> = {};
  const kinds = new Map<string, 'variance' | 'gelu'>();
  const watch = (kind: 'variance' | 'gelu', x: Tensor, named: readonly (Tensor | null | undefined)[]) => {
    const name = joinNames(named.flatMap(t => (t ? [...parametersOf({ t }).keys()] : [])));
    outputs[name] = x;
    kinds.set(name, kind);
  };
  for (const t of topological(Object.values(graph))) {
    const norm = asOp(t, 'layerNorm');
    if (norm?.inputs[1]) watch('variance', norm.inputs[0]!, norm.inputs.slice(1));
    const gelu = asOp(t, 'unary');
    const linear = gelu?.attrs.kind === 'gelu' ? asOp(gelu.inputs[0], 'linear') : undefined;
    if (linear) watch('gelu', linear, linear.inputs.slice(1));
  }
  return { outputs, kinds };
}

/** The largest (x - mean of its row)². */
export function largestSquaredDeviation(x: Float32Array, width: number): number {
  let largest = 0;
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    let mean = 0;
    for (const value of row) mean += value / width;
    for (const value of row) largest = Math.max(largest, (value - mean) ** 2);
  }
  return largest;
}

const magnitude = (x: ArrayLike<number>): number => {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]!));
  return largest;
};

/**
 * @param graph the network as its author wrote it
 * @param layers of the trace, for the activations as they are stored
 */
export async function auditRanges(
  gpu: GpuDevice,
  assembly: Assembly,
  graph: Outputs,
  source: ParameterStream,
  { feed }: ExampleInputs,
  layers: readonly LayerReport[],
  signal?: AbortSignal,
): Promise<{ readonly ranges: Ranges; readonly findings: readonly Finding[] }> {
  const { outputs, kinds } = watched(graph);
  const run = await runGraph(gpu, assembly, outputs, feed, { weights: 'f32', parameters: source, signal });
  const findings: Finding[] = [];
  const largest = { variance: 0, gelu: 0 };
  for (const [name, kind] of kinds) {
    const { data, shape } = run.outputs[name]!;
    const value = kind === 'gelu' ? magnitude(data) : largestSquaredDeviation(data, shape.at(-1)!);
    largest[kind] = Math.max(largest[kind], value);
    const limit = kind === 'gelu' ? GELU_LIMIT : HALF_MAX;
    if (value > limit) findings.push({ layer: name, kind, value, limit, rule: RULES[kind] });
  }
  const activations = layers.map(({ layer, range }) => ({ layer, value: magnitude(range) }));
  const beyond = activations.filter(({ value }) => value > HALF_MAX);
  findings.push(
    ...beyond.map(({ layer, value }) => ({
      layer,
      kind: 'activation' as const,
      value,
      limit: HALF_MAX,
      rule: RULES.activation,
    })),
  );
  const activation = magnitude(activations.map(({ value }) => value));
  return { ranges: { activation, squared_deviation: largest.variance, gelu: largest.gelu }, findings };
}

const RULES = {
  variance: 'statistics of a norm are f32 in every kernel; an engine with f16 statistics would overflow here',
  gelu: 'GELU is computed in f32 in every kernel; its tanh form in f16 would overflow here',
  activation: 'one activation beyond f16 keeps all of them in f32; weights stay as they are stored',
} as const;

/**
 * Names of the parameters whose folded weights pass f16, seen before a device is asked to hold them.
 *
 * @param graph prepared, as it will run
 * @param already parameters that are F32 by their own values
 */
export async function wideParameters(
  graph: Outputs,
  stored: ParameterStream,
  already: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<{ readonly wide: ReadonlySet<string>; readonly findings: readonly Finding[] }> {
  const computed = [...collectConstants([lower(graph, { weights: 'f16', wide: already })])].filter(
    ([, { storage, direct }]) => storage === 'f16' && direct === undefined,
  );
  const wide = new Set<string>();
  const findings: Finding[] = [];
  const inspect = (tensor: Tensor, values: Float32Array) => {
    const value = magnitude(values);
    if (value <= HALF_MAX) return;
    const matrices = [...parametersOf({ tensor })].flatMap(([name, shape]) => (shape.length >= 2 ? [name] : []));
    for (const name of matrices) wide.add(name);
    const rule = 'a weight beyond f16 is stored in F32 and runs in f32';
    findings.push({ layer: joinNames(matrices), kind: 'weight', value, limit: HALF_MAX, rule });
  };
  await loadConstants(
    'quantize',
    new Map(computed),
    stored,
    (_, { tensor }, values) => inspect(tensor, toFloat32(values)),
    signal,
  );
  return { wide, findings };
}
