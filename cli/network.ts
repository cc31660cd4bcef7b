// A network by the name of a preset, or by its folder: its configuration, for what opens no device.

import { check } from '../errors/index.js';
import { readModelFiles } from '../formats/model-folder/index.js';
import type { Config } from '../networks/config.js';
import { PRESETS } from '../networks/presets.js';
import { nodeIo } from '../node/model-folder/folder.js';
import { resolveTrainConfig } from '../train/config.js';

export const isPreset = (name: string): boolean => Object.hasOwn(PRESETS, name);

/** @param model folder or address of a model, or the name of a preset. Throws what reading a folder throws. */
export async function networkOf(model: string, signal?: AbortSignal): Promise<Config> {
  if (!isPreset(model)) return (await readModelFiles(model, nodeIo, signal ? { signal } : {})).config;
  const { model: network } = await resolveTrainConfig(model);
  check(network, 'INTERNAL', `inspect plan: a preset must have a network, got none in ${model}`);
  return network;
}
