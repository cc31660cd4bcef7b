// Gathers what a model card says from a run's folder, and writes it where no other text would be lost.

import { join } from 'node:path';
import { check } from '../../errors/index.js';
import { parseManifest, readModelFiles } from '../../formats/model-folder/index.js';
import type { Evaluation } from '../../node/datasets/evaluate-dataset.js';
import { evaluationFile, readEvaluation, readSentences, sentencesFile } from '../../node/datasets/evaluation-file.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { ifThere, readJson, readText } from '../../node/disk/read-file.js';
import { keepInputs } from '../../node/keep-inputs.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { type RunInfo, readMetrics, readRunInfo } from '../../train/run-files/index.js';
import { CARD_MARK, modelCard } from './card.js';

export interface CardOptions {
  /** The folder that the card is for: the run's own if not given, or what was made from it (its fp16 form). */
  readonly model?: string | undefined;
  /** JSON of `tmca evaluate --json` on that folder; its evaluation-test.json if not given. */
  readonly scores?: string | undefined;
  /** JSON of `tmca evaluate --sentences --json` on that folder; its sentences-test.json, if there is one, if not given. */
  readonly sentences?: string | undefined;
  /** A run of the same recipe with `text_override`, with its evaluation-test.json. */
  readonly withoutText?: string | undefined;
  /** The terms of the data. */
  readonly terms?: string | undefined;
  /** README.md of the model's folder if not given. */
  readonly out?: string | undefined;
}

const SPLIT = 'test';

/**
 * Writes the card and says where.
 *
 * Errors: FILE_NOT_FOUND (no run, no scores), CONFIG_INVALID, MANIFEST_MISMATCH (scores of another model), BAD_ARGUMENT (a
 * README.md that is no card; a run without text that has its texts), OUTPUT_NOT_WRITABLE.
 *
 * @example
 * await writeCard('runs/nano', { model: 'models/nano', scores: 'nano-test.json', withoutText: 'runs/nano-polyp' });
 */
export async function writeCard(run: string, options: CardOptions = {}): Promise<string> {
  const { model = run, withoutText, terms = null } = options;
  const out = options.out ?? join(model, 'README.md');
  const scores = options.scores ?? evaluationFile(model, SPLIT);
  const kept = options.sentences ?? sentencesFile(model, SPLIT);
  await keepInputs('writeCard', { files: [out] }, [scores, kept]);
  const info = await infoOf(run);
  const { config } = await readModelFiles(model, nodeIo);
  const evaluation = await readEvaluation(scores);
  const sentences = await (options.sentences === undefined ? ifThere(readSentences(kept)) : readSentences(kept));
  for (const { hash } of [evaluation, ...(sentences ? [sentences] : [])]) await checkModel(model, hash);
  const card = modelCard({
    ...{ model, config, info, evaluation, terms, sentences: sentences ?? null },
    lines: await readMetrics(join(run, 'metrics.jsonl')),
    withoutText: withoutText === undefined ? null : await otherRun(withoutText, evaluation),
  });
  const before = await ifThere(readText(out, { rule: 'writeCard: a README.md must be text', advice: 'move it' }));
  check(before === undefined || before.startsWith(CARD_MARK), 'BAD_ARGUMENT', () => {
    return `writeCard: ${out} must be a card of tmca card to be replaced, got another text; move it, or name another file with --out`;
  });
  await writeFileAtomic(out, card);
  return out;
}

async function infoOf(run: string): Promise<RunInfo> {
  const info = await readRunInfo(run);
  check(info !== null, 'FILE_NOT_FOUND', () => {
    return `writeCard: a run's folder must hold run.json, got none in ${run}; name the --out of tmca train`;
  });
  return info;
}

/** Scores must be of these weights, as far as both say which they are. */
async function checkModel(model: string, hash: string): Promise<void> {
  const path = join(model, 'manifest.json');
  const kind = { rule: 'writeCard: a manifest must be JSON', advice: 'fetch or write the folder again' } as const;
  const json = await ifThere(readJson(path, { ...kind, invalid: 'MANIFEST_MISMATCH' }));
  if (json === undefined || hash === '') return;
  const here = parseManifest(json, path).files.get('model.safetensors')?.sha256;
  check(here === undefined || here === hash, 'MANIFEST_MISMATCH', () => {
    return `writeCard: the scores must be of the weights in ${model}, got scores of ${hash.slice(0, 12)}… for weights ${here!.slice(0, 12)}…; make them anew with tmca report, or tmca evaluate --json`;
  });
}

async function otherRun(run: string, { data, split }: Evaluation) {
  const info = await infoOf(run);
  const evaluation = await readEvaluation(evaluationFile(run, split));
  const replaced = typeof info.config.text_override === 'string' && evaluation.text !== undefined;
  check(replaced, 'BAD_ARGUMENT', () => {
    return `writeCard: a run without text must have text_override and scores with it, got a run with its own texts in ${run}; name another one`;
  });
  check(evaluation.data === data, 'BAD_ARGUMENT', () => {
    return `writeCard: both runs must be scored on the same data, got ${evaluation.data} and ${data}; score them anew`;
  });
  return { info, evaluation };
}
