// Whether a file holds the network's parameters: by name, shape and dtype, before any of them is read.

import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { scaleName } from '../../graph/scale-name.js';
import type { SafetensorsHeader, TensorInfo } from '../safetensors/index.js';

type Shape = readonly number[];

const WEIGHTS: readonly string[] = ['F32', 'F16', 'BF16', 'I8'];
const SCALES: readonly string[] = ['F32'];

/** PyTorch's count of a BatchNorm's training steps: no part of the network. */
const isIgnored = (name: string): boolean => name === 'num_batches_tracked' || name.endsWith('.num_batches_tracked');

/**
 * Compares a header with the parameters that a network has: each as F32, F16 or BF16, or as I8 with an F32 tensor `NAME.scale`
 * that holds one number for each index of its first axis.
 *
 * @param expected Checkpoint names and shapes.
 * @param where The file's name, for messages.
 * @throws TmcaError MODEL_INCOMPLETE: all missing names. MODEL_MISMATCH: all names too many, or all wrong shapes and dtypes.
 */
export function checkTensors(header: SafetensorsHeader, expected: ReadonlyMap<string, Shape>, where: string): void {
  const given = new Map([...header.tensors].filter(([name]) => !isIgnored(name)));
  const whole = [...expected].filter(([name]) => given.get(name)?.dtype === 'I8');
  const scales = new Map(whole.map(([name, shape]): [string, Shape] => [scaleName(name), shape.slice(0, 1)]));
  checkNames(given, new Map([...expected, ...scales]), where);
  const broken = [
    ...[...expected].flatMap(([name, shape]) => describe(name, given.get(name)!, shape, WEIGHTS)),
    ...[...scales].flatMap(([name, shape]) => describe(name, given.get(name)!, shape, SCALES)),
  ];
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
function describe(name: string, { dtype, shape }: TensorInfo, expected: Shape, dtypes: readonly string[]): string[] {
  if (!dtypes.includes(dtype)) return [`tensor ${show(name)} must be ${dtypes.join(', ')}, got ${dtype}`];
  if (equal(shape, expected)) return [];
  const ordered = (dims: Shape) => [...dims].sort((a, b) => a - b);
  const transposed = equal(ordered(shape), ordered(expected)) ? ' (looks transposed)' : '';
  return [`tensor ${show(name)} must be ${show(expected)}, got ${show(shape)}${transposed}`];
}

const equal = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((dim, i) => dim === b[i]);
