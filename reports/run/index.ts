// report.html of a run's folder: from what lies in it, and from a data set's records where one is at hand.

import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { check } from '../../errors/index.js';
import { type Config, parseConfig } from '../../networks/config.js';
import { type DatasetReading, openDataset, surveyDataset } from '../../node/datasets/dataset.js';
import { type Evaluation, evaluateDataset } from '../../node/datasets/evaluate-dataset.js';
import { evaluateSentences } from '../../node/datasets/evaluate-sentences.js';
import { evaluationFile, sentencesFile } from '../../node/datasets/evaluation-file.js';
import { readingFor } from '../../node/datasets/reading.js';
import { bestToScore } from '../../node/datasets/splits.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { readJson } from '../../node/disk/read-file.js';
import type { ForwardInputs } from '../../runtime/inspect/forward.js';
import { textUse } from '../../runtime/session/text-use.js';
import type { Session } from '../../runtime/types.js';
import { readingOf } from '../../train/config.js';
import { latestCheckpoint, readMetrics, readRunInfo } from '../../train/run-files/index.js';
import type { TestContent } from './content.js';
import { renderReport } from './page.js';
import { drawPictures, type PictureEngine, pickRecords } from './pictures.js';

/** Best, middle and worst, of each. */
const PICTURES = 3;

/** What opens the run's model. */
export interface ReportEngine {
  openSession(model: string): Promise<Session>;
  /** Null where nothing at hand runs it: the report is then without LTEM's maps. */
  forward(model: string, inputs: ForwardInputs): ReturnType<PictureEngine['forward']>;
}

type Phase = 'evaluate' | 'sentences' | 'pictures';

export interface ReportOptions {
  /** Data set folder; the one in run.json if not given. Null: no scores and no pictures. */
  readonly data?: string | null;
  /** Records to score; "test" if not given, or "val" where the data set has no such records. */
  readonly split?: string;
  /** Also scores by what the model is told, and writes sentences-SPLIT.json. */
  readonly sentences?: boolean;
  readonly engine: ReportEngine;
  readonly signal?: AbortSignal;
  readonly onProgress?: (phase: Phase, done: number, total: number) => void;
}

export interface WrittenReport {
  readonly report: string;
  readonly evaluation: Evaluation | null;
  /** Why there is no evaluation. */
  readonly without: string | null;
}

/**
 * Writes report.html, and evaluation-SPLIT.json (with `sentences`, sentences-SPLIT.json too) where there is something to score. A run that is not finished has a report too:
 * of what is there.
 *
 * Errors: FILE_NOT_FOUND (no run in the folder), FILE_UNREADABLE, CONFIG_INVALID, those of the data set and the session,
 * OUTPUT_NOT_WRITABLE, ABORTED.
 *
 * @example
 * const { report } = await writeReport('runs/nano', { data: 'kvasir-seg', engine });
 */
export async function writeReport(folder: string, options: ReportOptions): Promise<WrittenReport> {
  const lines = await readMetrics(join(folder, 'metrics.jsonl'), { underWay: true });
  const info = await readRunInfo(folder);
  const config = await readConfig(folder);
  check(config !== null && (lines.length > 0 || info !== null), 'FILE_NOT_FOUND', () => {
    return `writeReport: a run's folder must hold metrics.jsonl and a model or a checkpoint, got neither in ${folder}; name the --out of tmca train`;
  });
  const data = options.data === undefined ? await existing(info?.data.folder) : options.data;
  const published = await isFile(join(folder, 'model.safetensors'));
  const without = withoutTest(published, data, info !== null);
  const scored = without === null ? await score(folder, config, data!, readingOf(info?.config ?? {}), options) : null;
  const { evaluation = null, test = null } = scored ?? {};
  const report = join(folder, 'report.html');
  const name = basename(resolve(folder));
  const created = new Date().toISOString();
  const content = { folder: name, info, model: config, lines, test, withoutTest: without, created };
  await writeFileAtomic(report, renderReport(content));
  if (evaluation) {
    const json = (content: object) => `${JSON.stringify(content, null, 2)}\n`;
    await writeFileAtomic(evaluationFile(folder, evaluation.split), json(evaluation));
    if (test?.sentences) await writeFileAtomic(sentencesFile(folder, evaluation.split), json(test.sentences));
  }
  return { report, evaluation, without };
}

function withoutTest(published: boolean, data: string | null, known: boolean): string | null {
  if (!published) return 'No epoch is complete yet, so there is no model to score.';
  if (data !== null) return null;
  return known
    ? 'The data set is not where it was: name it with --data.'
    : 'No data set was named: name one with --data.';
}

/** The model's configuration: of the published model, or of the newest checkpoint before there is one. */
async function readConfig(folder: string): Promise<Config | null> {
  const own = join(folder, 'config.json');
  if (await isFile(own)) return configOf(own);
  const checkpoint = await latestCheckpoint(join(folder, 'checkpoints'));
  return checkpoint && configOf(join(checkpoint.folder, 'config.json'));
}

async function configOf(path: string): Promise<Config> {
  const kind = { rule: "writeReport: a model's configuration must be JSON", advice: 'restore it' } as const;
  return parseConfig(await readJson(path, { ...kind, invalid: 'CONFIG_INVALID' }), path);
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    status => status.isFile(),
    () => false,
  );

const existing = (folder: string | undefined): Promise<string | null> =>
  folder === undefined
    ? Promise.resolve(null)
    : stat(folder).then(
        () => folder,
        () => null,
      );

async function score(
  folder: string,
  config: Config,
  data: string,
  reading: DatasetReading,
  options: ReportOptions,
): Promise<{ evaluation: Evaluation; test: TestContent }> {
  const { engine, signal, onProgress, sentences: asked = false } = options;
  const { category } = reading;
  const survey = () => surveyDataset(data, category === undefined ? {} : { category });
  const split = options.split ?? bestToScore((await survey()).splits);
  const stop = signal && { signal };
  const dataset = await openDataset(data, { split, ...readingFor('writeReport', textUse(config), reading), ...stop });
  const { records } = dataset;
  const session = await engine.openSession(folder);
  try {
    const about = { split, ...reading };
    const watched = (phase: Phase) => ({
      ...stop,
      ...(onProgress && { onProgress: (done: number, total: number) => onProgress(phase, done, total) }),
    });
    const evaluation = await evaluateDataset(session, dataset, about, watched('evaluate'));
    const forward = (inputs: ForwardInputs) => engine.forward(folder, inputs);
    const ways = { ...watched('sentences'), insides: { config, forward } };
    const sentences = asked ? await evaluateSentences(session, dataset, about, ways) : null;
    const pictures = { session, forward };
    const picked = pickRecords(evaluation.per_image, PICTURES);
    const groups = await drawPictures(pictures, config, records, picked, watched('pictures'));
    const { device, dtype, adapter } = evaluation;
    const ran = `${device}, ${dtype}: ${adapter.description || adapter.vendor}`;
    return { evaluation, test: { ...evaluation, ran, groups, sentences } };
  } finally {
    session.dispose();
  }
}
