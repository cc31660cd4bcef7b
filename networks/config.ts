// config.json: which network a model folder holds, its size and its choices, and how the folder is packed. The network's own
// fields are in `networks/NAME/config.ts`; those that every network has are here. Sizes are bounded, because plans are
// sized from them before any weight is read.

import { TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import { choice, type Fields, fieldsToJson, keysOf, label, readFields } from './fields.js';
import { type ConfigOf, definitionOf, isNetwork, type NetworkId, networkIds } from './registry.js';

/** What every configuration has beside the network's own fields. */
export interface PackageConfig {
  /** The model's name and version. */
  readonly name: string;
  readonly version: string;
  readonly normalize: 'zscore' | 'imagenet';
  /** How the folder's weights are stored. */
  readonly dtype: 'fp32' | 'fp16' | 'int8';
}

/** What code that serves any network may read of a configuration; the rest is asked of its `Network`. */
export interface BaseConfig extends PackageConfig {
  /** Side of the square input, in pixels. */
  readonly imageSize: number;
  /** Keys that this package does not know, written back as they came. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A whole configuration, all fields present, of one of the networks. */
export type Config = { readonly [K in NetworkId]: ConfigOf<K> & PackageConfig & Pick<BaseConfig, 'extra'> }[NetworkId];

/** A configuration of one network. */
export type NetworkConfig<K extends NetworkId> = Extract<Config, { readonly network: K }>;

const packageFields = (name: string): Fields<PackageConfig> => ({
  name: label('name', name),
  version: label('version', '0.0.0'),
  normalize: choice('normalize', ['zscore', 'imagenet'], 'zscore'),
  dtype: choice('dtype', ['fp32', 'fp16', 'int8'], 'fp32'),
});

/**
 * Checks the parsed content of a config.json. A missing `network` means TMCA, other missing keys take the network's defaults;
 * unknown keys are kept in `extra`.
 *
 * @param where The file's name, for messages.
 * @throws TmcaError CONFIG_INVALID, naming every key that breaks its rule, the rule and the value.
 * @example
 * const config = parseConfig(JSON.parse(text), 'models/nano-128/config.json');
 */
export function parseConfig(json: unknown, where: string): Config {
  const fail = (complaints: readonly string[]) =>
    new TmcaError('CONFIG_INVALID', `parseConfig: ${where}: ${complaints.join('; ')}; correct the file`);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw fail([`a configuration must be a JSON object, got ${show(json)}`]);
  }
  const id = Object.hasOwn(json, 'network') ? (json as Record<string, unknown>).network : 'tmca';
  if (!isNetwork(id)) throw fail([`network must be one of ${networkIds.join(', ')}, got ${show(id)}`]);
  const definition = definitionOf(id);
  const packaged = readFields(packageFields(id), json);
  const own = readFields(definition.fields, json);
  const broken = [...own.broken, ...packaged.broken];
  if (broken.length > 0) throw fail(broken);
  const known = new Set(['network', ...keysOf(definition.fields), ...keysOf(packageFields(id))]);
  // fromEntries defines properties, so a key named __proto__ stays a plain key
  const extra = Object.fromEntries(Object.entries(json).filter(([key]) => !known.has(key)));
  const values = definition.complete?.(own.values, own.given as ReadonlySet<string>) ?? own.values;
  const config = { network: id, ...values, ...packaged.values, extra } as Config;
  const unrelated = definition.relations(config);
  if (unrelated.length > 0) throw fail(unrelated);
  return config;
}

/** The content of a config.json: every field under its snake_case key, then the unknown keys as they came. */
export function configToJson(config: Config): Record<string, unknown> {
  const { fields } = definitionOf(config.network);
  const known = {
    network: config.network,
    ...fieldsToJson(fields, config),
    ...fieldsToJson(packageFields(config.network), config),
  };
  const extra = Object.entries(config.extra).filter(([key]) => !Object.hasOwn(known, key));
  return { ...known, ...Object.fromEntries(extra) };
}

/** Every default of a network. */
export const defaultConfig = <K extends NetworkId>(network: K): NetworkConfig<K> =>
  parseConfig({ network }, 'defaults') as NetworkConfig<K>;
