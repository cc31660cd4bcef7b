// `tmca inspect plan --train`: what a training step takes of a device, and how a batch is taken so that it fits.

import { check } from '../../errors/index.js';
import { Network } from '../../networks/network.js';
import { frozenBy, resolveTrainConfig, trainedParameters } from '../../train/config.js';
import { describePlan, planMemory } from '../../train/step/memory-plan.js';
import type { Context } from '../context.js';
import { isPreset, networkOf } from '../network.js';

export interface InspectMemoryOptions {
  /** A preset or a file of the training's configuration. */
  readonly config?: string;
  readonly batch?: number;
  readonly microBatch?: number;
  readonly textLength?: number;
  readonly trainText?: boolean;
  /** Bytes. */
  readonly memory?: number;
  readonly json?: boolean;
}

/** @param model folder or address of a model, or the name of a preset, whose network and settings count then */
export async function inspectMemory(
  model: string,
  options: InspectMemoryOptions,
  { console, io }: Context,
): Promise<void> {
  const named = options.config ?? (isPreset(model) ? model : undefined);
  const asked = await resolveTrainConfig(named, options.batch === undefined ? {} : { batch: options.batch });
  const network = await networkOf(model, io.signal);
  const { maxTextLength } = Network.of(network);
  const config = options.trainText
    ? { ...asked, freeze: frozenBy(network, asked).filter(name => name !== 'text_encoder') }
    : asked;
  const { textLength = maxTextLength } = options;
  check(
    textLength <= maxTextLength,
    'BAD_ARGUMENT',
    `inspect plan: a text may have ${maxTextLength} tokens, got --text-length ${textLength}; lower it`,
  );
  const trained = trainedParameters(network, config);
  const plan = planMemory(network, {
    ...{
      batch: config.batch,
      length: textLength,
      average: config.ema > 0,
      validation: true,
      trained: name => trained.has(name),
    },
    microBatch: options.microBatch ?? config.microBatch,
    ...(config.recompute === 'auto' ? {} : { recompute: config.recompute }),
    ...(options.memory === undefined ? {} : { memory: options.memory }),
  });
  await (options.json ? console.json(plan) : console.print(describePlan(plan).split('\n')));
}
