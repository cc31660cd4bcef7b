// Which sentences of a data set a model reads: each record's own, one for all, or none.

import { TmcaError } from '../../errors/index.js';
import { readModelFiles } from '../../formats/model-folder/index.js';
import { checkSentence, checkTakesText, type TextUse } from '../../runtime/sentence.js';
import { textUse } from '../../runtime/session/text-use.js';
import { nodeIo } from '../model-folder/folder.js';
import { type Dataset, type DatasetOptions, type DatasetReading, openDataset } from './dataset.js';

/**
 * How a data set is read for a model: as is wanted, and without any sentence where the model reads none, so that a data set that
 * has none will do.
 *
 * Errors: those of `checkReading`.
 */
export function readingFor(where: string, model: TextUse, wanted: DatasetReading): DatasetReading {
  checkReading(where, model, wanted);
  return model.text === 'none' ? { ...wanted, text: null } : wanted;
}

/** Errors: TEXT_NOT_TAKEN, where a sentence is chosen for a model that reads none; TEXT_REQUIRED, where none is for one that must be told. */
export function checkReading(where: string, model: TextUse, { text, prompt }: DatasetReading): void {
  if (text === null) checkSentence(where, model, null);
  else if ((text ?? prompt) !== undefined) checkTakesText(where, model);
}

/**
 * Opens a data set for a model that is not open yet, so that a fault of the data costs nobody the loading of a model. Only where the
 * data set is at fault is the model's configuration looked at: where it reads no sentence, none is asked for.
 *
 * @param model path or address of a model folder
 *
 * Errors: those of `openDataset` and `readingFor`.
 */
export async function openDatasetFor(
  where: string,
  model: string,
  folder: string,
  options: DatasetOptions & DatasetReading,
): Promise<Dataset> {
  try {
    return await openDataset(folder, options);
  } catch (error) {
    if (!(error instanceof TmcaError && error.code === 'DATASET_INVALID')) throw error;
    const use = await textUseOf(model, options.signal);
    if (use?.text !== 'none') throw error;
    return await openDataset(folder, { ...options, ...readingFor(where, use, options) });
  }
}

/** Null where the configuration cannot be read: opening the model says why. */
const textUseOf = (model: string, signal?: AbortSignal): Promise<TextUse | null> =>
  readModelFiles(model, nodeIo, signal ? { signal } : {}).then(
    ({ config }) => textUse(config),
    () => null,
  );
