// The splits of a run: what is trained on and what validates, read the same way, padded to one length.

import { TmcaError } from '../../errors/index.js';
import { Network } from '../../networks/network.js';
import { surveyDataset } from '../../node/datasets/dataset.js';
import { hasSplit } from '../../node/datasets/splits.js';
import { readingOf, trainConfigToJson } from '../config.js';
import { DecodePool } from '../data/decode-pool.js';
import { TrainingData } from '../data/index.js';
import type { TrainEvent } from '../events.js';
import type { TrainOptions } from './options.js';
import { changesSince, digestOf, isComparable, printsOf, type RecordPrints } from './record-prints.js';
import { type Beginning, DATA_KEY } from './run-start.js';

/** What a data set holds, before any of its pictures is looked at. */
export interface Survey {
  readonly name: string;
  /** Records of every split, whole ones or not. */
  readonly splits: Readonly<Record<string, number>>;
}

export interface RunData extends Survey {
  readonly train: TrainingData;
  /** Null where the data set has no such split. */
  readonly validation: TrainingData | null;
  /**
   * To which all sentences are padded, in tokens. One for the whole run: every length would need a program and memory of its
   * own, and a batch's longest sentence is nearly always close to the longest of all.
   */
  readonly length: number;
  /** Tells this run's records from any others. */
  readonly digest: string;
  readonly prints: RecordPrints;
  dispose(): Promise<void>;
}

/** Padded lengths are multiples of this number, since kernels take tokens in such steps. */
const LENGTH_STEP = 8;

/**
 * Errors: those of `TrainingData.open`; CONFIG_INVALID, where a resumed run would go on with other records than those that it
 * began with.
 */
export async function openRunData(
  options: TrainOptions,
  { config, network, vocab, checkpoint }: Beginning,
  { name, splits }: Survey,
  emit: (event: TrainEvent) => void,
): Promise<RunData> {
  const { data, skipBad = false, signal } = options;
  const pool = new DecodePool(options.workerScript ? { script: options.workerScript } : {});
  const made: { dispose(): Promise<void> }[] = [pool];
  const open = async (split: string, augmented: boolean) => {
    const opened = await TrainingData.open(data, {
      pool,
      ...{ split, config: network, vocab, skipBad, batch: config.batch, seed: config.seed },
      reading: readingOf(trainConfigToJson(config)),
      augment: augmented ? config.augment : null,
      ...(signal && { signal }),
      onProgress: (done, total) => emit({ kind: 'data', split, done, total }),
    });
    made.push(opened);
    return opened;
  };
  try {
    const train = await open('train', true);
    let validation: TrainingData | null = null;
    if (hasSplit(splits, 'val')) validation = await open('val', false);
    else {
      const has = Object.keys(splits).map(name => `"${name}"`);
      const rule = `nothing is validated, the last weights are published; it has ${has.join(', ')}`;
      emit({ kind: 'note', text: `${data} has no split "val": ${rule}` });
    }
    const { maxTextLength } = Network.of(network);
    const opened = validation ? [train, validation] : [train];
    for (const part of opened) tell(part, maxTextLength, emit);
    const prints = printsOf(opened);
    const digest = digestOf(prints);
    if (checkpoint) await checkRecords(options, checkpoint.state.config[DATA_KEY], prints, emit);
    const longest = Math.max(...opened.map(part => part.longest));
    const length = Math.min(maxTextLength, Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP);
    return { train, validation, length, digest, prints, name, splits, dispose: () => disposeAll(made) };
  } catch (error) {
    await disposeAll(made);
    throw error;
  }
}

const disposeAll = async (all: readonly { dispose(): Promise<void> }[]): Promise<void> => {
  for (const part of [...all].reverse()) await part.dispose();
};

/**
 * Looks at a data set before a run's folder is made. Faults of records are no reason to say no here: opening a split names them.
 *
 * Errors: FILE_NOT_FOUND, DATASET_INVALID (no data set).
 */
export async function survey({ data, category, config, signal }: TrainOptions): Promise<Survey> {
  const wanted = category ?? readingOf(typeof config === 'object' ? config : {}).category;
  return surveyDataset(data, { ...(wanted && { category: wanted }), ...(signal && { signal }) });
}

const NAMED = 3;

const list = (items: readonly string[]): string =>
  items.slice(0, NAMED).join(', ') + (items.length > NAMED ? ` and ${items.length - NAMED} more` : '');

function tell(
  { skipped, truncated, notes, warnings, empty, records }: TrainingData,
  limit: number,
  emit: (event: TrainEvent) => void,
): void {
  const split = records[0]!.split;
  if (skipped.length > 0) {
    const named = list(skipped.map(({ id, fault }) => `${id} (${fault})`));
    emit({ kind: 'note', text: `${split}: ${skipped.length} records are left out: ${named}` });
  }
  for (const text of warnings) emit({ kind: 'warning', text });
  const kind = empty === records.length ? 'warning' : 'note';
  for (const text of notes) emit({ kind, text: `${split}: ${text}` });
  if (truncated.length > 0) {
    const rule = `longer than the ${limit} tokens of the network and are cut there`;
    emit({
      kind: 'note',
      text: `${split}: ${truncated.length} of ${records.length} texts are ${rule}: ${list(truncated)}`,
    });
  }
}

/** Errors: CONFIG_INVALID, naming what has changed. */
async function checkRecords(
  { data, out }: TrainOptions,
  before: unknown,
  prints: RecordPrints,
  emit: (event: TrainEvent) => void,
): Promise<void> {
  if (before === digestOf(prints)) return;
  if (!isComparable(before)) {
    const text = 'the checkpoint is of a version that kept no prints of its pictures: they are taken as they are now';
    return emit({ kind: 'note', text });
  }
  const changes = list(await changesSince(out, prints));
  const message = `train: a resumed run must have the records that it began with, got ${changes} in ${data}; restore them, or start in another folder`;
  throw new TmcaError('CONFIG_INVALID', message);
}
