// The parameters that a run starts from: a model folder's as far as it has them, PyTorch's distributions for the rest.

import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { checkFinite, type ModelFolder } from '../../formats/model-folder/index.js';
import { type SafetensorsTensor, tensorOf } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { Shape } from '../../graph/graph.js';
import { initialParameter } from './initial-parameters.js';

/** How many names a message lists. */
const NAMED = 3;

export interface InitialParameters extends ParameterStream {
  /** Names of parameters that the folder does not have. */
  readonly initialised: readonly string[];
  /** Names of its tensors that the network does not have. */
  readonly unused: readonly string[];
}

/** PyTorch's count of a BatchNorm's training steps: no part of the network. */
const isCounter = (name: string): boolean => name.endsWith('num_batches_tracked');

/**
 * Every parameter of `shapes`, those of `folder` (null: none) as they are there.
 *
 * Errors: MODEL_MISMATCH (a tensor of another shape), MODEL_INCOMPLETE (no tensor of the network), UNSUPPORTED (int8). The
 * stream: those of the file, MODEL_NOT_FINITE.
 */
export function initialParameters(
  folder: Pick<ModelFolder, 'weights'> | null,
  shapes: ReadonlyMap<string, Shape>,
  seed: number,
): InitialParameters {
  const given = new Map([...(folder?.weights.header.tensors ?? [])].filter(([name]) => !isCounter(name)));
  const initialised = [...shapes.keys()].filter(name => !given.has(name));
  const unused = [...given.keys()].filter(name => !shapes.has(name));
  if (folder) checkGiven(given, shapes, initialised.length);
  return {
    initialised,
    unused,
    async *tensors() {
      if (folder) yield* known(folder, shapes);
      for (const name of initialised) yield tensorOf(name, shapes.get(name)!, initialParameter(name, shapes, seed));
    },
  };
}

async function* known({ weights }: Pick<ModelFolder, 'weights'>, shapes: ReadonlyMap<string, Shape>) {
  for await (const tensor of weights.tensors()) {
    if (!shapes.has(tensor.name)) continue;
    checkFinite(tensor.name, tensor);
    yield tensor;
  }
}

function checkGiven(
  given: ReadonlyMap<string, Pick<SafetensorsTensor, 'dtype' | 'shape'>>,
  shapes: ReadonlyMap<string, Shape>,
  missing: number,
): void {
  if (missing === shapes.size) {
    throw new TmcaError(
      'MODEL_INCOMPLETE',
      `initialParameters: --init must hold parameters of the network, got none of ${shapes.size} among ${given.size} tensors; import the checkpoint first`,
    );
  }
  const wrong = [...given].filter(([name, { shape }]) => shapes.has(name) && shape.join() !== shapes.get(name)!.join());
  const [first] = wrong;
  if (first) {
    const [name, { shape }] = first;
    throw new TmcaError(
      'MODEL_MISMATCH',
      `initialParameters: tensors of --init must have the network's shapes, got ${show(shape)} for ${show(name)}, which has ${show(shapes.get(name))} (${wrong.length} of ${given.size} differ); use the config.json that belongs to them`,
    );
  }
  const int8 = [...given].find(([name, { dtype }]) => shapes.has(name) && !/^(F32|F16|BF16)$/.test(dtype));
  if (int8) {
    throw new TmcaError(
      'UNSUPPORTED',
      `initialParameters: training must start from F32, F16 or BF16, got ${int8[1].dtype} for ${show(int8[0])}; use the folder that this one was quantized from`,
    );
  }
}

/** What a user is told of an incomplete folder; null where there is nothing to tell. */
export function describeInitial({ initialised, unused }: InitialParameters, total: number): string | null {
  const list = (names: readonly string[]) =>
    names.slice(0, NAMED).join(', ') + (names.length > NAMED ? `, and ${names.length - NAMED} more` : '');
  const parts = [
    initialised.length > 0 &&
      `--init has ${total - initialised.length} of ${total} parameters; the others begin at random: ${list(initialised)}`,
    unused.length > 0 && `${unused.length} tensors of --init are no part of the network: ${list(unused)}`,
  ].filter(part => part !== false);
  return parts.length > 0 ? parts.join('; ') : null;
}
