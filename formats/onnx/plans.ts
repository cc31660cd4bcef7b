// The two plans of a network as ONNX graphs: what a text takes, and what a frame takes.

import { isOp, type Outputs, type Tensor } from '../../graph/graph.js';
import { expandComposites } from '../../graph/passes/expand.js';
import { fold, type Partition, partition, setPrecision } from '../../graph/passes/index.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { Probes } from './dims.js';
import { type EmittedGraph, emitOnnx } from './emit.js';
import { onnxRuleOf } from './table.js';

/** How weights and activations are stored; with int8 weights, activations and arithmetic are fp32. */
export type OnnxPrecision = 'f32' | 'f16' | 'int8';

export interface OnnxPlans {
  /** `image` [batch,3,S,S], `mask` [batch,length] and the text's results → `logits` [batch,1,S,S]. */
  readonly image: EmittedGraph;
  /** `ids` and `mask` [batch,length] → `report.0`, `report.1`, …; null where the network takes an image alone. */
  readonly text: EmittedGraph | null;
}

const hasRule = (t: Tensor): boolean => isOp(t) && onnxRuleOf(t.op) !== undefined;

/** Three builds of one graph, from which the sides that may vary are read (formats/onnx/dims.ts). */
function probe<T>(config: Config, build: (batch: number, length: number) => T): { base: T; batch: T; length: T } {
  // Two, since a side of one broadcasts; and the longest text, since constants along it are cut to what a text has.
  const longest = Network.of(config).text?.maxPositions ?? 1;
  return { base: build(2, longest), batch: build(3, longest), length: build(2, Math.max(longest - 1, 1)) };
}

const prepare = (outputs: Outputs, precision: OnnxPrecision): Outputs =>
  setPrecision(expandComposites(fold(outputs), hasRule), precision === 'f16' ? 'f16' : 'f32');

const probesOf = <T>({ base, batch, length }: { base: T; batch: T; length: T }, part: (t: T) => Outputs): Probes => ({
  base: part(base),
  otherBatch: part(batch),
  otherLength: part(length),
});

/** The text plan and the frame plan of a network; `guarded`, to end in NaN wherever something overflows (`EmitOptions`). */
export function onnxPlans(config: Config, precision: OnnxPrecision, guarded = false): OnnxPlans {
  const built = probe(config, (batch, length): Partition => {
    const { logits } = Network.of(config).forward(batch, length);
    return partition(prepare({ logits }, precision), 'image');
  });
  const options = { int8: precision === 'int8', guarded };
  return {
    image: emitOnnx(
      probesOf(built, ({ frame }) => frame),
      options,
    ),
    text:
      Object.keys(built.base.report).length === 0
        ? null
        : emitOnnx(
            probesOf(built, ({ report }) => report),
            options,
          ),
  };
}

/** The whole network in one graph, with every output that the reference names. */
export function onnxNetwork(config: Config): EmittedGraph {
  const built = probe(config, (batch, length) => prepare(Network.of(config).forward(batch, length).named, 'f32'));
  return emitOnnx(probesOf(built, outputs => outputs));
}
