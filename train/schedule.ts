// Learning rates: of a step (warm-up, then cosine) and of a parameter (by its name). Pure functions.

import { check, TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';

export interface Schedule {
  /** The highest rate. */
  readonly lr: number;
  /** The rate at the end. */
  readonly minLr: number;
  /** Optimiser steps from 0 to `lr`, linearly; 0: none. */
  readonly warmupSteps: number;
  /** Steps in all, warm-up included. */
  readonly totalSteps: number;
}

/**
 * The rate of step `step`, from 0. Warm-up: lr (step + 1) / warmupSteps, so that the first step moves and the last one of
 * the warm-up has the full rate. After it the closed form of PyTorch's CosineAnnealingLR with T_max = totalSteps -
 * warmupSteps; from `totalSteps` on the rate stays at `minLr` (PyTorch's would rise again).
 *
 * Errors: BAD_ARGUMENT.
 *
 * @example
 * learningRate(0, { lr: 3e-4, minLr: 1e-6, warmupSteps: 0, totalSteps: 1000 }) // 3e-4
 */
export function learningRate(step: number, { lr, minLr, warmupSteps, totalSteps }: Schedule): number {
  const counts = [step, warmupSteps, totalSteps].every(n => Number.isInteger(n) && n >= 0);
  check(counts, 'BAD_ARGUMENT', () => {
    return `learningRate: step, warmupSteps and totalSteps must be integers of at least 0, got ${show([step, warmupSteps, totalSteps])}`;
  });
  if (step < warmupSteps) return (lr * (step + 1)) / warmupSteps;
  const length = totalSteps - warmupSteps;
  if (step >= totalSteps) return minLr;
  return minLr + ((lr - minLr) * (1 + Math.cos((Math.PI * (step - warmupSteps)) / length))) / 2;
}

/** A weight that grows linearly from 0 to `value` over `warmupSteps` steps: for the contrastive loss. */
export const warmedUp = (step: number, value: number, warmupSteps: number): number =>
  step >= warmupSteps ? value : (value * step) / warmupSteps;

/**
 * What happens to parameters whose names begin with `prefix`, whole parts between dots: `text_encoder` is not
 * `text_encoder2.x`. Of several rules that match, the longest prefix counts; what it does not say, the next shorter does.
 */
export interface ParameterRule {
  readonly prefix: string;
  /** Times the schedule's rate. */
  readonly lrScale?: number;
  readonly frozen?: boolean;
}

export interface ParameterSetting {
  readonly lrScale: number;
  readonly frozen: boolean;
}

const matches = (name: string, prefix: string): boolean => name === prefix || name.startsWith(`${prefix}.`);

/**
 * The setting of every parameter, in the order of `names`.
 *
 * Errors: CONFIG_INVALID, for a prefix that no name begins with (a slip that would else train what was to be frozen), one
 * given twice, and rules that freeze everything.
 *
 * @example
 * parameterSettings(names, [
 *   { prefix: 'text_encoder', frozen: true },
 *   { prefix: 'text_encoder.encoder.layer.11', frozen: false, lrScale: 0.1 },
 * ]);
 */
export function parameterSettings(
  names: readonly string[],
  rules: readonly ParameterRule[],
): ReadonlyMap<string, ParameterSetting> {
  checkRules(names, rules);
  const ascending = [...rules].sort((a, b) => a.prefix.length - b.prefix.length);
  const settings = new Map<string, ParameterSetting>();
  for (const name of names) {
    let setting: ParameterSetting = { lrScale: 1, frozen: false };
    for (const { prefix, lrScale = setting.lrScale, frozen = setting.frozen } of ascending) {
      if (matches(name, prefix)) setting = { lrScale, frozen };
    }
    settings.set(name, setting);
  }
  const trained = [...settings.values()].some(({ frozen }) => !frozen);
  check(trained, 'CONFIG_INVALID', () => {
    return `parameterSettings: some parameter must be trained, got all ${names.length} frozen; correct "freeze"`;
  });
  return settings;
}

function checkRules(names: readonly string[], rules: readonly ParameterRule[]): void {
  const seen = new Set<string>();
  for (const { prefix, lrScale = 1 } of rules) {
    const fail = (rule: string, got: string, todo: string) =>
      new TmcaError('CONFIG_INVALID', `parameterSettings: ${rule}, got ${got}; ${todo}`);
    const first = show([...new Set(names.map(name => name.split('.')[0]))]);
    if (!names.some(name => matches(name, prefix))) {
      throw fail('a prefix must begin the name of a parameter', show(prefix), `names begin with ${first}`);
    }
    if (seen.has(prefix)) throw fail('each prefix must be given once', `${show(prefix)} twice`, 'join the rules');
    if (!(lrScale >= 0 && Number.isFinite(lrScale))) {
      throw fail('lrScale must be a finite number of at least 0', `${lrScale} for ${show(prefix)}`, 'correct it');
    }
    seen.add(prefix);
  }
}
