// `tmca report`: report.html of a run, finished or not.

import { isGpuAbsence } from '../../gpu/adapter.js';
import { type ReportEngine, type WrittenReport, writeReport } from '../../reports/run/index.js';
import type { Task } from '../console.js';
import type { Context } from '../context.js';
import type { NetworkOptions } from '../options.js';
import { openWithProgress } from '../session.js';
import { tellNotes } from './evaluate.js';

export interface ReportCommandOptions extends NetworkOptions {
  readonly data?: string;
  readonly split?: string;
  readonly sentences?: boolean;
  readonly json?: boolean;
}

export async function report(run: string, options: ReportCommandOptions, context: Context): Promise<void> {
  const { console } = context;
  const written = await reportOn(run, options, context);
  const { evaluation, without } = written;
  if (without !== null) await console.warn(`no scores: ${without}`);
  if (options.json) {
    await console.json({ report: written.report, evaluation });
    return;
  }
  await console.print(written.report);
  if (evaluation) {
    const { split, n, dice, mean_dice } = evaluation;
    await console.print(`  ${split}, ${n} images   dice ${dice.toFixed(4)}  per image ${mean_dice.toFixed(4)}`);
  }
}

/** Writes the report with its progress shown. */
export async function reportOn(
  run: string,
  { data, split, sentences = false, device, dtype }: Omit<ReportCommandOptions, 'json'>,
  context: Context,
): Promise<WrittenReport> {
  const { io, console, engine: network } = context;
  const engine: ReportEngine = {
    openSession: model => openWithProgress(context, { model, device, dtype }),
    // any adapter will do: what it is asked for is a picture, and other engines do not show their insides
    forward: async (model, inputs) => {
      try {
        const options = { device: 'webgpu', dtype, fill: false, signal: io.signal } as const;
        return (await network.inspectForward(model, inputs, options)).outputs;
      } catch (error) {
        if (isGpuAbsence(error)) return null;
        throw error;
      }
    },
  };
  const shown = new Map<string, Promise<Task>>();
  const onProgress = (phase: string, done: number, total: number) => {
    const task = shown.get(phase) ?? console.task(phase, total);
    shown.set(phase, task);
    void task.then(bar => (done < total ? bar.step(done) : bar.end()));
  };
  try {
    const written = await writeReport(run, {
      ...(data !== undefined && { data }),
      ...(split !== undefined && { split }),
      ...{ engine, sentences },
      signal: io.signal,
      onProgress,
    });
    if (written.evaluation) await tellNotes(written.evaluation, context);
    return written;
  } finally {
    for (const task of shown.values()) (await task).end();
  }
}
