// What becomes of every tensor: mapped, initialised or left over. Decided from headers, before any tensor is read.

import { check, TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import type { Shape } from '../graph/graph.js';
import { type CheckpointTensor, some } from './checkpoint.js';
import { PREFIX } from './names.js';
import { describe, isInside, type Part } from './parts.js';

export interface Mapped {
  /** The network's, and its shape: the tensor's first rows. */
  readonly name: string;
  readonly shape: Shape;
  /** The file's name of it. */
  readonly from: string;
  readonly tensor: CheckpointTensor;
}

export interface LeftOver {
  readonly name: string;
  readonly file: string;
  readonly reason: string;
}

export interface ImportPlan {
  readonly mapped: readonly Mapped[];
  readonly initialised: readonly string[];
  readonly leftOver: readonly LeftOver[];
}

const FLOATS: readonly string[] = ['F32', 'F16', 'BF16', 'F64'];

/** Its rows above the vocabulary are left out. */
const WORDS = 'text_encoder.embeddings.word_embeddings.weight';

/** PyTorch's count of a BatchNorm's training steps. */
const COUNTER = /(^|\.)num_batches_tracked$/;

/** A shape without the ones at its end: a layer scale [C,1,1] is [C], a 1x1 convolution a matrix. */
function core(shape: Shape): Shape {
  let end = shape.length;
  while (end > 0 && shape[end - 1] === 1) end--;
  return shape.slice(0, end);
}

const same = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((dim, i) => dim === b[i]);

/** A shape without the rows that `expected` does not have. */
const firstRows = ([rows = 0, ...rest]: Shape, [most = 0]: Shape): Shape => [Math.min(rows, most), ...rest];

/** What is wrong with a tensor: nothing, or one sentence. */
function complaint(
  from: string,
  { dtype, shape }: Pick<CheckpointTensor, 'dtype' | 'shape'>,
  expected: Shape,
): string[] {
  if (!FLOATS.includes(dtype)) return [`tensor ${show(from)} must be ${FLOATS.join(', ')}, got ${dtype}`];
  if (same(core(shape), core(expected))) return [];
  const sorted = (dims: Shape) => [...core(dims)].sort((a, b) => a - b);
  const transposed = same(sorted(shape), sorted(expected)) ? ' (looks transposed)' : '';
  return [`tensor ${show(from)} must be ${show(expected)}, got ${show(shape)}${transposed}`];
}

/** The network's parameters that a part holds, and where. */
function mapPart(part: Part, shapes: ReadonlyMap<string, Shape>): Mapped[] {
  const { convention, names, checkpoint, prefix } = part;
  const own = convention ? PREFIX[convention.encoder] : '';
  const wanted = [...shapes].filter(([name]) => (convention ? name.startsWith(own) : /^(decoder|head)\./.test(name)));
  const mapped: Mapped[] = [];
  const missing: string[] = [];
  const broken: string[] = [];
  for (const [name, shape] of wanted) {
    const ours = name.slice(own.length);
    const theirs = convention?.theirs(ours) ?? ours;
    const from = names.get(theirs);
    if (from === undefined) {
      if (!convention?.optional.test(ours)) missing.push(show(prefix + theirs));
      continue;
    }
    const tensor = checkpoint.tensors.get(from)!;
    broken.push(
      ...complaint(from, name === WORDS ? { ...tensor, shape: firstRows(tensor.shape, shape) } : tensor, shape),
    );
    mapped.push({ name, shape, from, tensor });
  }
  if (missing.length > 0)
    throw new TmcaError(
      'MODEL_INCOMPLETE',
      `import: ${describe(part)}: all ${wanted.length} parameters must be there, got ${missing.length} missing: ${some(missing)}; use a complete checkpoint`,
    );
  if (broken.length > 0)
    throw new TmcaError(
      'MODEL_MISMATCH',
      `import: ${describe(part)}: ${some(broken, 4)}; give a ConvNeXt or BERT checkpoint in float`,
    );
  return mapped;
}

/** Why a tensor is not taken. @throws TmcaError MODEL_MISMATCH, where it is of the network and unknown */
function leftOverReason(name: string, parts: readonly Part[]): string {
  if (COUNTER.test(name)) return 'counter of training steps';
  for (const part of parts) {
    const inner = name.startsWith(part.prefix) ? name.slice(part.prefix.length) : null;
    // heads stand beside the encoder, where that has a prefix
    const known = part.convention?.leftOver.find(
      ([pattern]) => pattern.test(name) || (inner !== null && pattern.test(inner)),
    );
    if (known) return known[1];
    check(
      inner === null || !isInside(part, inner),
      'MODEL_MISMATCH',
      () =>
        `import: ${describe(part)}: every tensor of the encoder must be known, got ${show(name)}; this is another architecture`,
    );
  }
  return 'no part of the network';
}

/**
 * Accounts for every tensor of the checkpoints and every parameter of the network.
 *
 * @param parts One of each at the most.
 * @param shapes The network's parameters.
 * @throws TmcaError MODEL_INCOMPLETE (all missing names), MODEL_MISMATCH (wrong shapes, dtypes, names that no rule knows)
 */
export function planImport(parts: readonly Part[], shapes: ReadonlyMap<string, Shape>): ImportPlan {
  const mapped = parts.flatMap(part => mapPart(part, shapes));
  const taken = new Set(mapped.map(({ tensor }) => tensor));
  const given = new Set(mapped.map(({ name }) => name));
  const leftOver: LeftOver[] = [];
  for (const checkpoint of new Set(parts.map(part => part.checkpoint))) {
    const here = parts.filter(part => part.checkpoint === checkpoint);
    for (const [name, tensor] of checkpoint.tensors)
      if (!taken.has(tensor)) leftOver.push({ name, file: tensor.file, reason: leftOverReason(name, here) });
  }
  return { mapped, initialised: [...shapes.keys()].filter(name => !given.has(name)), leftOver };
}
