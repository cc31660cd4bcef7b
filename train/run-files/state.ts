// state.json: where a run stands, beside its tensors.

import * as v from 'valibot';
import { TmcaError } from '../../errors/index.js';
import { parseJson } from '../../formats/checked-json.js';
import type { RandomState } from '../random.js';

/** Everything that a run needs to go on, but tensors. */
export interface TrainState {
  /** Optimiser steps taken. */
  readonly step: number;
  /** Epochs completed: the number of the one under way, from 0. */
  readonly epoch: number;
  /** Batches of that epoch that are done. */
  readonly batch: number;
  readonly seed: number;
  /** The state of a stream that the loop itself draws from; null where every draw has a key. */
  readonly rng: RandomState | null;
  /** The best validation score so far, larger is better, and when it was. */
  readonly best: { readonly step: number; readonly epoch: number; readonly score: number } | null;
  /** Epochs since `best`: for early stopping. */
  readonly epochsSinceBest: number;
  /** The training configuration as JSON: a resumed run is held to it. */
  readonly config: Readonly<Record<string, unknown>>;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const word = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(0xffff_ffff));

const State = v.object({
  step: count,
  epoch: count,
  batch: count,
  seed: v.pipe(v.number(), v.safeInteger()),
  rng: v.nullable(v.strictTuple([word, word, word, word])),
  best: v.nullable(v.object({ step: count, epoch: count, score: v.pipe(v.number(), v.finite()) })),
  epochsSinceBest: count,
  config: v.record(v.string(), v.unknown()),
});

/** Errors: CONFIG_INVALID, naming the field. */
export function parseState(text: string, where: string): TrainState {
  const fail = (got: string, cause?: unknown) =>
    new TmcaError('CONFIG_INVALID', `parseState: ${where} must be a run's state, got ${got}; use an older checkpoint`, {
      cause,
    });
  return parseJson(text, State, fail);
}

/** The text of a state.json. Errors: CONFIG_INVALID, for a state that could not be read back (a score that is NaN). */
export function stateToText(state: TrainState): string {
  const text = `${JSON.stringify(state, null, 2)}\n`;
  parseState(text, 'the state to be written');
  return text;
}
