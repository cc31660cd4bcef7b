// A run's tensors between the device and its checkpoints.

import { type SafetensorsFile, type SafetensorsTensor, tensorOf } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { Readback } from '../../gpu/readback.js';
import type { ArenaKind, ParameterArena } from './parameter-arena.js';

/** What state.safetensors holds of each parameter, under `KIND.NAME`. */
const STATE = ['moment1', 'moment2', 'average'] as const satisfies readonly ArenaKind[];

async function read(
  arena: ParameterArena,
  readback: Readback,
  kind: ArenaKind,
  prefix = '',
): Promise<SafetensorsTensor[]> {
  const tensors = await arena.read(readback, kind);
  return [...tensors].map(([name, { shape, data }]) => tensorOf(`${prefix}${name}`, shape, data));
}

/** Parameters, and what the optimiser and the average remember. */
export async function readState(arena: ParameterArena, readback: Readback) {
  const weights = await read(arena, readback, 'parameters');
  const optimizer: SafetensorsTensor[] = [];
  for (const kind of STATE) if (arena.has(kind)) optimizer.push(...(await read(arena, readback, kind, `${kind}.`)));
  return { weights, optimizer };
}

/** What is published: the moving average where there is one. */
export function readModel(arena: ParameterArena, readback: Readback): Promise<SafetensorsTensor[]> {
  return read(arena, readback, arena.has('average') ? 'average' : 'parameters');
}

/** A file's tensors of one kind, under their parameters' names. */
const ofKind = (file: SafetensorsFile, kind: ArenaKind): ParameterStream => ({
  async *tensors() {
    for await (const tensor of file.tensors()) {
      if (tensor.name.startsWith(`${kind}.`)) yield { ...tensor, name: tensor.name.slice(kind.length + 1) };
    }
  },
});

/** Errors: MODEL_INCOMPLETE, SHAPE_MISMATCH, those of the files. */
export async function loadState(
  arena: ParameterArena,
  weights: ParameterStream,
  state: SafetensorsFile,
): Promise<void> {
  await arena.load(weights);
  for (const kind of STATE) if (arena.has(kind)) await arena.load(ofKind(state, kind), kind);
}
