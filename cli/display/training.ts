// A run as it goes on, on stderr: a bar with loss, Dice and speed on a terminal, a line now and then elsewhere, and a line for
// each epoch on both.

import type { RunSummary, TrainEvent } from '../../train/events.js';
import { describePlan } from '../../train/step/memory-plan.js';
import type { Console, Task } from '../console.js';

/** The weight of the newest step in the shown speed: a step's own time jumps. */
const SMOOTHING = 0.1;

/** As a person would say it: "35 s", "4 min", "3 h 12 min". */
function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const counted = (n: number, thing: string): string => `${n} ${thing}${n === 1 ? '' : 's'}`;

const millions = (n: number): string => (n < 1e6 ? `${(n / 1e3).toFixed(1)} k` : `${(n / 1e6).toFixed(1)} M`);
const digits = (value: unknown): string => (typeof value === 'number' ? value.toFixed(4) : '–');

export class TrainingDisplay {
  /** Events come one by one, the console's answers later: what is shown keeps their order. */
  #queue: Promise<unknown> = Promise.resolve();
  #task: { readonly name: string; readonly task: Task } | undefined;
  #summary: RunSummary | undefined;
  #start = 0;
  #speed: number | undefined;
  #dice: unknown;

  constructor(private readonly console: Console) {}

  show(event: TrainEvent): void {
    this.#queue = this.#queue.then(() => this.#show(event));
  }

  /** Removes the bar when everything before was shown. */
  async end(): Promise<void> {
    await this.#queue;
    this.#close();
  }

  async #show(event: TrainEvent): Promise<void> {
    switch (event.kind) {
      case 'note':
        this.#close();
        return this.console.note(event.text);
      case 'warning':
        this.#close();
        return this.console.warn(event.text);
      case 'data':
        return this.#progress(`reading ${event.split}`, event.total, event.done);
      case 'prepare':
        this.#close();
        return this.console.tell('preparing the device: kernels are compiled, memory is taken');
      case 'plan':
        this.#close();
        return this.console.tell(describePlan(event.plan).split('\n'));
      case 'start':
        this.#summary = event.summary;
        this.#start = performance.now();
        return this.#tellSummary(event.summary);
      case 'step':
        return this.#step(event.line);
      case 'validation':
        return this.#progress('validating', event.total, event.done);
      case 'epoch':
        return this.#epoch(event.line, event.best);
      case 'checkpoint':
        return;
    }
  }

  async #tellSummary(s: RunSummary): Promise<void> {
    this.#close();
    const validation = s.validationRecords > 0 ? `, ${s.validationRecords} to validate` : '';
    const from = s.done > 0 ? `from step ${s.done} to ${s.steps}` : `${counted(s.steps, 'step')} in all`;
    await this.console.tell(
      `${s.model}: ${millions(s.trained)} of ${millions(s.parameters)} parameters trained; ${counted(s.records, 'record')}${validation}; ` +
        `batch ${s.batch}, ${counted(s.stepsPerEpoch, 'step')} an epoch, ${from}; seed ${s.seed}`,
    );
    await this.console.tell(`${s.reason}; ${(s.gpuBytes / 1e6).toFixed(0)} MB on the device`);
  }

  #step(line: Readonly<Record<string, unknown>>): Promise<void> {
    const speed = line.images_per_second as number;
    this.#speed = this.#speed === undefined ? speed : this.#speed + SMOOTHING * (speed - this.#speed);
    const { steps, done } = this.#summary!;
    const step = line.step as number;
    // with all that epochs need beside their steps
    const left = ((performance.now() - this.#start) / 1000 / (step - done)) * (steps - step);
    const parts = [
      `loss ${digits(line.loss)}`,
      ...(this.#dice === undefined ? [] : [`dice ${digits(this.#dice)}`]),
      ...[`${this.#speed.toPrecision(3)} images/s`, `${duration(left)} left`],
    ];
    return this.#progress('training', steps, step, parts.join(', '));
  }

  async #epoch(line: Readonly<Record<string, unknown>>, best: boolean): Promise<void> {
    this.#dice = line.val_dice;
    this.#close();
    const scores =
      line.val_dice === undefined ? '' : `, validation dice ${digits(line.val_dice)}, iou ${digits(line.val_iou)}`;
    const unfinished = line.complete === 0 ? ' (unfinished)' : '';
    const mark = best && line.val_dice !== undefined ? ', best so far' : '';
    await this.console.tell(
      `epoch ${(line.epoch as number) + 1}${unfinished}, step ${line.step}: loss ${digits(line.loss)}${scores}${mark}`,
    );
  }

  async #progress(name: string, total: number, done: number, detail?: string): Promise<void> {
    if (this.#task?.name !== name) {
      this.#close();
      // a bar that comes back after an epoch goes on where it was
      const options = detail === undefined ? {} : { start: done - 1, ownTime: true };
      this.#task = { name, task: await this.console.task(name, total, options) };
    }
    this.#task.task.step(done, total, detail);
    if (done === total) this.#close();
  }

  #close(): void {
    this.#task?.task.end();
    this.#task = undefined;
  }
}
