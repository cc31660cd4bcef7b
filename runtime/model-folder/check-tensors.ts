// Whether a file holds the network's parameters: by name, shape and dtype, before any of them is read.

import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import type { SafetensorsHeader, TensorInfo } from '../safetensors/index.js';

type Shape = readonly number[];

const FLOATS: readonly string[] = ['F32', 'F16', 'BF16'];

/** PyTorch's count of a BatchNorm's training steps: no part of the network. */
const isIgnored = (name: string): boolean => name === 'num_batches_tracked' || name.endsWith('.num_batches_tracked');

/**
 * Compares a header with the parameters that a network has.
 *
 * @param expected Checkpoint names and shapes.
 * @param where The file's name, for messages.
 * @throws TmcaError MODEL_INCOMPLETE: all missing names. MODEL_MISMATCH: all names too many, or all wrong shapes and dtypes.
 *   UNSUPPORTED: int8 weights.
 */
export function checkTensors(header: SafetensorsHeader, expected: ReadonlyMap<string, Shape>, where: string): void {
  const given = new Map([...header.tensors].filter(([name]) => !isIgnored(name)));
  const int8 = [...given].find(([name, info]) => expected.has(name) && info.dtype === 'I8');
  if (int8) {
    throw new TmcaError(
      'UNSUPPORTED',
      `checkTensors: ${where}: weights must be F32, F16 or BF16, got ${show(int8[0])} as I8: int8 models cannot be run yet; ` +
        'use the fp32 or fp16 folder that this one was made from',
    );
  }
  checkNames(given, expected, where);
  const broken = [...expected].flatMap(([name, shape]) => describe(name, given.get(name)!, shape));
  if (broken.length > 0) throw mismatch(where, broken.join('; '));
}

const mismatch = (where: string, complaint: string) =>
  new TmcaError(
    'MODEL_MISMATCH',
    `checkTensors: ${where}: ${complaint}; use the weights that belong to this config.json`,
  );

function checkNames(given: ReadonlyMap<string, TensorInfo>, expected: ReadonlyMap<string, Shape>, where: string): void {
  const missing = [...expected.keys()].filter(name => !given.has(name));
  const extra = [...given.keys()].filter(name => !expected.has(name));
  if (missing.length > 0) {
    const other = missing.length === expected.size && extra.length > 0;
    throw new TmcaError(
      'MODEL_INCOMPLETE',
      `checkTensors: ${where}: all ${expected.size} parameters must be there, got ${missing.length} missing: ${missing.map(show).join(', ')}; ` +
        (other
          ? `none of its ${extra.length} tensors (${show(extra[0])}, …) is known: this is another architecture, import it first`
          : 'use a complete checkpoint'),
    );
  }
  if (extra.length > 0) {
    throw mismatch(where, `no other tensors may be there, got ${extra.length} extra: ${extra.map(show).join(', ')}`);
  }
}

/** What is wrong with one tensor: nothing, or one sentence. */
function describe(name: string, { dtype, shape }: TensorInfo, expected: Shape): string[] {
  if (!FLOATS.includes(dtype)) return [`tensor ${show(name)} must be ${FLOATS.join(', ')}, got ${dtype}`];
  if (equal(shape, expected)) return [];
  const ordered = (dims: Shape) => [...dims].sort((a, b) => a - b);
  const transposed = equal(ordered(shape), ordered(expected)) ? ' (looks transposed)' : '';
  return [`tensor ${show(name)} must be ${show(expected)}, got ${show(shape)}${transposed}`];
}

const equal = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((dim, i) => dim === b[i]);
