// What `tmca sweep` and `tmca ablate` share: settings, progress, and the files of the table.

import { join } from 'node:path';
import { readModelFiles } from '../formats/model-folder/index.js';
import { writeFileAtomic } from '../node/disk/files.js';
import { nodeIo } from '../node/model-folder/folder.js';
import { tableMarkdown, tablePage, tableText } from '../reports/study/study-table.js';
import type { DeviceChoice } from '../runtime/types.js';
import { resolveTrainConfig } from '../train/config.js';
import type { TrainEvent } from '../train/events.js';
import { packageName } from '../train/run/package-name.js';
import type { StudyRow } from '../train/study/grid.js';
import type { RunResult } from '../train/study/result.js';
import { completeSettings, type Settings } from '../train/study/settings.js';
import { type RowResults, runStudy, type StudyData, type StudyEvent, type StudyOptions } from '../train/study/study.js';
import { type StudyTable, type TableOptions, tableOf } from '../train/study/table.js';
import { commandLine } from './command-line.js';
import type { Context } from './context.js';
import { TrainingDisplay } from './display/training.js';

export interface StudyCommandOptions {
  readonly data: string;
  readonly out: string;
  readonly config?: string;
  readonly init?: string;
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly steps?: number;
  readonly text?: string;
  readonly prompt?: string;
  readonly category?: string;
  readonly seeds: number;
  readonly skipBad?: boolean;
  readonly device: DeviceChoice;
  readonly json?: boolean;
}

export interface Study {
  /** The name of the command, for run.json and titles. */
  readonly name: 'sweep' | 'ablate';
  readonly rows: readonly StudyRow[];
  readonly score: StudyOptions['score'];
  /** By what is done so far. */
  readonly table: (results: readonly RowResults[]) => TableOptions;
}

/** Runs the study, writes its table after each run, and prints it at the end. */
export async function study(about: Study, options: StudyCommandOptions, context: Context): Promise<void> {
  const { console, engine, io } = context;
  const { data, out, config, init, epochs, batch, lr, steps, seeds, skipBad, device, json } = options;
  const { text: textOverride, prompt, category } = options;
  const network = init === undefined ? null : (await readModelFiles(init, nodeIo)).config;
  const settings = completeSettings(
    await resolveTrainConfig(config, { epochs, batch, lr, textOverride, prompt, category }),
    network,
  );
  const by = await packageName();
  const display = new StudyDisplay(console);
  let table: StudyTable | undefined;
  const onResults = async (results: readonly RowResults[], { name, records }: StudyData) => {
    const described = about.table(results);
    const note = `${name}: trained on ${records.train} records, validated on ${records.val}.`;
    table = tableOf(results, { ...described, notes: [note, ...described.notes] });
    await writeTable(out, table, settings);
  };
  const command = commandLine(about.name, { ...options, json: false });
  await runStudy({
    ...{ data, out, init, steps, skipBad, device, settings, rows: about.rows, score: about.score, package: by },
    ...{ seeds: Array.from({ length: seeds }, (_, i) => i + 1), signal: io.signal, onResults },
    train: wanted => engine.train(wanted),
    command,
    onEvent: event => display.show(event),
  }).finally(() => display.end());
  await (json ? console.json(table) : console.print([...tableText(table!), join(out, 'table.html')]));
}

async function writeTable(out: string, table: StudyTable, settings: Settings): Promise<void> {
  await writeFileAtomic(join(out, 'table.json'), `${JSON.stringify(table, null, 2)}\n`);
  await writeFileAtomic(join(out, 'table.md'), tableMarkdown(table));
  await writeFileAtomic(join(out, 'table.html'), tablePage(table, settings));
}

/** The runs one by one, each as `tmca train` shows it. What is shown keeps the order of events. */
class StudyDisplay {
  #training: TrainingDisplay | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #earlier = 0;
  /** Notes of the first run that the others would only repeat. */
  readonly #notes = new Set<string>();

  constructor(private readonly console: Context['console']) {}

  show(event: StudyEvent): void {
    this.#queue = this.#queue.then(() => this.#show(event));
  }

  async end(): Promise<void> {
    await this.#queue;
    await this.#training?.end();
    await this.#tellEarlier();
  }

  #train(event: TrainEvent): void {
    if (event.kind === 'prepare' || event.kind === 'plan') return;
    if (event.kind === 'note' || event.kind === 'warning') {
      if (this.#notes.has(event.text)) return;
      this.#notes.add(event.text);
    }
    this.#training?.show(event);
  }

  async #tellEarlier(): Promise<void> {
    if (this.#earlier > 0) await this.console.tell(`${this.#earlier} runs are done already`);
    this.#earlier = 0;
  }

  async #show(event: StudyEvent): Promise<void> {
    if (event.kind === 'train') return this.#train(event.event);
    if (event.kind === 'run') {
      await this.#tellEarlier();
      await this.console.tell(`run ${event.index + 1} of ${event.total}: ${event.name}, seed ${event.seed}`);
      this.#training = new TrainingDisplay(this.console);
    } else if (event.earlier) this.#earlier++;
    else {
      await this.#training?.end();
      await this.console.tell(`${event.name}, seed ${event.result.seed}: ${outcome(event.result)}`);
    }
  }
}

function outcome({ diverged, validation, test }: RunResult): string {
  if (diverged !== null) return `diverged (${diverged})`;
  const scored = test ? `, ${test.split} dice ${test.dice.toFixed(4)}` : '';
  return `validation dice ${validation!.dice.toFixed(4)}${scored}`;
}
