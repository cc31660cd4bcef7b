// Where a run begins: anew, from a configuration and perhaps a model to start from, or from the last checkpoint of its folder.

import { isDeepStrictEqual } from 'node:util';
import { countTokens } from '../../assembly/wordpiece.js';
import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { type ModelFolder, readModelFiles } from '../../formats/model-folder/index.js';
import { type Config, configToJson, parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { readBytes, VOCABULARY } from '../../node/disk/read-file.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { openMasters } from '../../node/model-folder/masters.js';
import {
  configured,
  frozenBy,
  parseTrainConfig,
  resolveTrainConfig,
  type TrainConfig,
  type TrainOverrides,
  trainConfigToJson,
} from '../config.js';
import { type Checkpoint, type MetricsLine, RunFolder, readMetrics, type TrainState } from '../run-files/index.js';
import { shippedModel } from '../shipped.js';
import type { TrainOptions } from './options.js';

export interface Beginning {
  readonly run: RunFolder;
  readonly config: TrainConfig;
  /** As it is trained: fp32, with the run's contrastive weight. */
  readonly network: Config;
  /** What the configuration says without the command's own values over it: what is held against it when the run is resumed. */
  readonly asked: Json | undefined;
  /** Content of vocab.txt; null for a network that reads no sentence. */
  readonly vocab: Uint8Array | null;
  /** Null for a new run. */
  readonly checkpoint: Checkpoint | null;
  /** The folder whose parameters a new run starts from; null: none, or not a new run. To be closed. */
  readonly init: ModelFolder | null;
  readonly earlier: readonly MetricsLine[];
  readonly notes: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** What a run adds to its checkpoints' configuration: `Beginning.asked`. */
export const ASKED_KEY = 'asked';
/** What a run adds to the configuration in its checkpoints: a digest of its records (`digestOf`). */
export const DATA_KEY = 'data';

/**
 * Opens the run's folder and everything that the run is told by, but its data.
 *
 * Errors: BAD_ARGUMENT (the folder holds a run, nothing is to be resumed), CONFIG_INVALID, MODEL_MISMATCH, VOCABULARY_INVALID,
 * those of the folders.
 */
export async function begin(options: TrainOptions, by: string): Promise<Beginning> {
  return options.resume ? resume(options, by) : start(options, by);
}

async function start(options: TrainOptions, by: string, unfinished?: RunFolder): Promise<Beginning> {
  const { epochs, batch, microBatch, lr, seed, textOverride, prompt, category, out } = options;
  const overrides = { epochs, batch, microBatch, lr, seed, textOverride, prompt, category };
  const asked = askedOf(options, await configOf(options));
  const config = await configOf(options, overrides);
  const notes = unfinished ? [`${out} has no checkpoint to go on from: the run begins anew`] : [];
  const masters = options.init === undefined ? null : await openMasters(options.init);
  const init = masters?.folder ?? null;
  if (masters?.note) notes.push(masters.note);
  try {
    const model = options.network
      ? parseConfig(options.network, 'the network')
      : (init?.config ?? config.model ?? parseConfig({}, 'the default network'));
    const network: Config = { ...configured(model, config), dtype: 'fp32' };
    const vocab = await vocabularyOf(network, config, init, notes);
    if (init && config.model && !options.network)
      notes.push(`the network is that of ${options.init}; "model" of the configuration does not count`);
    if (!init && frozenBy(network, config).includes('text_encoder') && config.thaw.length === 0)
      notes.push(
        'the text encoder is frozen as it begins, at random: name a trained one with --init, or thaw it ("freeze": [])',
      );
    const run = unfinished ?? (await RunFolder.create(out, { package: by }));
    return { run, config, network, asked, vocab, checkpoint: null, init, earlier: [], notes };
  } catch (error) {
    await init?.close();
    throw error;
  }
}

/** Goes on from the last checkpoint; where the run died before its first one, or there is no run, it begins. */
async function resume(options: TrainOptions, by: string): Promise<Beginning> {
  const { run, checkpoint } = await RunFolder.resume(options.out, { package: by });
  if (!checkpoint) return start(options, by, run);
  const config = await resumedConfig(options, checkpoint.state);
  const { config: network, vocab } = await readModelFiles(checkpoint.folder, nodeIo);
  if (!vocab && Network.of(network).text) {
    throw new TmcaError('FILE_NOT_FOUND', `train: ${checkpoint.folder} must hold vocab.txt, got none; restore it`);
  }
  const notes = checkpoint.skipped.map(({ folder, reason }) => `${folder} is damaged and left out: ${reason}`);
  const earlier = await readMetrics(`${run.folder}/metrics.jsonl`);
  const asked = checkpoint.state.config[ASKED_KEY] as Json | undefined;
  return { run, config, network, asked, vocab, checkpoint, init: null, earlier, notes };
}

/**
 * The checkpoint's configuration, with what the command may change of a run under way: its length and its rate. All else would
 * make it another run.
 */
async function resumedConfig(options: TrainOptions, { config: saved }: TrainState): Promise<TrainConfig> {
  const { [DATA_KEY]: _, [ASKED_KEY]: asked, ...json } = saved as Json & { [ASKED_KEY]?: Json };
  const { epochs, lr } = options;
  const config = parseTrainConfig(json, 'the checkpoint', { epochs, lr });
  // with the defaults of keys that its version did not have
  const before = trainConfigToJson(parseTrainConfig(json, 'the checkpoint'));
  for (const [key, value, ...fine] of await givenAgain(options, before, asked)) {
    if (fine.some(known => isDeepStrictEqual(value, known))) continue;
    const [path, got, had] = leastDifference(key, value, fine[0]);
    throw new TmcaError(
      'CONFIG_INVALID',
      `train: a resumed run must keep its settings (--epochs, --steps and --lr may change), got ${path} ${show(got)} where the run has ${show(had ?? null)}; leave it out, or start in another folder`,
    );
  }
  return config;
}

/** The path at which two values part, and what each has there. */
function leastDifference(path: string, a: unknown, b: unknown): readonly [path: string, a: unknown, b: unknown] {
  const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (typeof a === 'string' && typeof b === 'string') return [path, ...partingTexts(a, b)];
  if (!isObject(a) || !isObject(b)) return [path, a, b];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const parting = keys.find(key => !isDeepStrictEqual(a[key], b[key]));
  return parting === undefined ? [path, a, b] : leastDifference(`${path}.${parting}`, a[parting], b[parting]);
}

/** From shortly before the character at which they part, since messages cut long texts. */
function partingTexts(a: string, b: string): readonly [string, string] {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const from = Math.max(0, same - 20);
  return from === 0 ? [a, b] : [`…${a.slice(from)}`, `…${b.slice(from)}`];
}

/** What of the run's settings the caller gives again, each with the values that it may have. */
async function givenAgain(options: TrainOptions, json: Json, asked: Json | undefined) {
  const { batch, microBatch, seed, textOverride, prompt, category } = options;
  const reading = { text_override: textOverride, prompt, category };
  const wanted = Object.entries({ batch, micro_batch: microBatch, seed, ...reading });
  const given = wanted
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, value, json[key]] as const);
  if (options.config === undefined) return given;
  // whoever repeats the first command repeats its --config, over which the command had values; recomputation changes no result
  const { recompute: _, ...same } = askedOf(options, await configOf(options)) as Json & { recompute?: unknown };
  // a run of an earlier version did not keep what was asked for
  const unknown = [
    'epochs',
    'lr',
    'batch',
    'seed',
    ...['text_override', 'prompt', 'category'],
    'model',
    ...(same.micro_batch === 0 ? ['micro_batch'] : []),
  ];
  const told = Object.entries(same).filter(([key]) => asked || !unknown.includes(key));
  return [...given, ...told.map(([key, value]) => [key, value, ...(asked ? [asked[key]] : []), json[key]] as const)];
}

/** The network too, which checkpoints have in a file of its own. */
const askedOf = ({ network }: TrainOptions, config: TrainConfig): Json => {
  const model = network ? parseConfig(network, 'the network') : config.model;
  return { ...trainConfigToJson(config), model: model && configToJson(model) };
};

const configOf = ({ config }: TrainOptions, overrides?: TrainOverrides): Promise<TrainConfig> | TrainConfig =>
  typeof config === 'object'
    ? parseTrainConfig(config, 'the configuration', overrides)
    : resolveTrainConfig(config, overrides);

/** The vocabulary of a network that reads sentences, noted in `notes`. Errors: MODEL_MISMATCH, those of reading it. */
async function vocabularyOf(
  network: Config,
  config: TrainConfig,
  init: ModelFolder | null,
  notes: string[],
): Promise<Uint8Array | null> {
  const { text } = Network.of(network);
  if (!text) return null;
  const { vocab, source } = await findVocabulary(config, init);
  notes.push(`sentences are read with the vocabulary of ${source}`);
  const words = countTokens(vocab);
  if (words === text.vocabSize) return vocab;
  throw new TmcaError(
    'MODEL_MISMATCH',
    `train: the vocabulary must have vocab_size tokens, got ${words} in ${source} and vocab_size ${text.vocabSize}; correct the one or the other`,
  );
}

/** That which the configuration names, else that of the folder to start from, else the package's own. */
async function findVocabulary(
  config: TrainConfig,
  init: ModelFolder | null,
): Promise<{ vocab: Uint8Array; source: string }> {
  if (config.vocab !== null) {
    const kind = { rule: 'train: "vocab" must name a vocab.txt', advice: 'check the path', ...VOCABULARY };
    return { vocab: await readBytes(config.vocab, kind), source: config.vocab };
  }
  if (init?.vocab) return { vocab: init.vocab, source: 'the model to start from' };
  const { vocab, config: nano } = await readModelFiles(shippedModel, nodeIo);
  return { vocab: vocab!, source: `the package's own model (${nano.name})` };
}
