// Settings by their keys, over a configuration that has all of them: so that a slip is refused and not trained.

import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { type Config, configToJson, defaultConfig } from '../../networks/config.js';
import { type TrainConfig, trainConfigToJson } from '../config.js';

/** Content of a configuration file. */
export type Settings = Readonly<Record<string, unknown>>;
/** New values by key: `lr`, `tau_enhance`, `augment.flip.probability`, `model.contrastive_weight`. */
export type Patch = Readonly<Record<string, unknown>>;

/** A configuration as the content of a file that says everything, the network too: `network`, where a folder brings its own. */
export function completeSettings(config: TrainConfig, network: Config | null = null): Settings {
  return { ...trainConfigToJson(config), model: configToJson(network ?? config.model ?? defaultConfig('tmca')) };
}

/** Objects whose keys are the user's own. */
const FREE = new Set(['lr_scale']);

/**
 * The settings with the patch's values. A key of the network may be given without `model.`, unless training has one of that
 * name. The values themselves are checked by `parseTrainConfig`.
 *
 * Errors: CONFIG_INVALID for a key that there is not.
 *
 * @example
 * applyPatch(completeSettings(await resolveTrainConfig('nano')), { tau_enhance: 4, contrastive_weight: 0.1 });
 */
export function applyPatch(settings: Settings, patch: Patch): Settings {
  return Object.entries(patch).reduce((all, [key, value]) => set(all, pathOf(all, key), value, key), settings);
}

function pathOf(settings: Settings, key: string): readonly string[] {
  const path = key.split('.');
  const [first] = path;
  const model = settings.model as Settings;
  return !Object.hasOwn(settings, first!) && Object.hasOwn(model, first!) ? ['model', ...path] : path;
}

function set(object: Settings, [first, ...rest]: readonly string[], value: unknown, key: string): Settings {
  if (!Object.hasOwn(object, first!)) {
    const message = `applyPatch: a key must be one of ${Object.keys(object).join(', ')}, got ${show(first)} in ${show(key)}; correct it`;
    throw new TmcaError('CONFIG_INVALID', message);
  }
  if (rest.length === 0) return { ...object, [first!]: value };
  if (FREE.has(first!)) {
    // names of parameters hold dots themselves
    return { ...object, [first!]: { ...(object[first!] as Settings), [rest.join('.')]: value } };
  }
  const inner = object[first!];
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) {
    throw new TmcaError('CONFIG_INVALID', `applyPatch: ${first} must have parts, got ${show(key)}; name it alone`);
  }
  return { ...object, [first!]: set(inner as Settings, rest, value, key) };
}
