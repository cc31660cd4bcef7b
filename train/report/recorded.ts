// run.json kept as a run goes on: written when it starts, completed when it ends.

import { openDataset } from '../../runtime/node/dataset.js';
import type { RunSummary, TrainEvent } from '../events.js';
import type { TrainOptions, TrainResult } from '../run/options.js';
import { type RunInfo, readRunInfo, writeRunInfo } from '../run-files/index.js';

export interface RecordOptions {
  /** As typed. */
  readonly command: string;
  /** name@version */
  readonly package: string;
}

type Train = (options: TrainOptions) => Promise<TrainResult>;

/**
 * `train`, leaving run.json beside what it writes. A resumed run keeps its first command and start, and names both adapters
 * where the second is another.
 *
 * Errors: those of `train`; OUTPUT_NOT_WRITABLE.
 */
export function recorded(train: Train, about: RecordOptions): Train {
  return async options => {
    const { out } = options;
    let written: Promise<RunInfo | null> = Promise.resolve(null);
    const onEvent = (event: TrainEvent) => {
      if (event.kind === 'start') {
        written = record(options, about, event.summary);
        // seen at the end; until then it is no unhandled rejection
        written.catch(() => {});
      }
      options.onEvent?.(event);
    };
    const result = await train({ ...options, onEvent }).finally(() => written);
    const info = await written;
    if (info) {
      const why = WHY[result.stopped](result, info);
      await writeRunInfo(out, { ...info, ended: { at: new Date().toISOString(), why } });
    }
    return result;
  };
}

const WHY: Readonly<Record<TrainResult['stopped'], (result: TrainResult, info: RunInfo) => string>> = {
  epochs: (_, { config }) => `all ${String(config.epochs)} epochs`,
  steps: ({ step }) => `the ${step.toLocaleString('en')} steps asked for`,
  patience: (_, { config }) => `no better validation in ${String(config.patience)} epochs`,
};

async function record(options: TrainOptions, about: RecordOptions, summary: RunSummary): Promise<RunInfo> {
  const { data, out } = options;
  const before = await readRunInfo(out).catch(() => null);
  const { name } = await openDataset(data, { split: 'train', onFault: () => {} });
  const { adapter, seed, records, validationRecords, config } = summary;
  const here = adapter.description || adapter.vendor;
  const earlier = before?.device.adapter;
  const info: RunInfo = {
    ...{ package: about.package, command: before?.command ?? about.command },
    data: { folder: data, name, records: { train: records, val: validationRecords } },
    device: {
      adapter:
        earlier === undefined || earlier.split(', then ').includes(here)
          ? (earlier ?? here)
          : `${earlier}, then ${here}`,
      software: adapter.software,
      dtype: 'fp32',
    },
    ...{ seed, config },
    started: before?.started ?? new Date().toISOString(),
    ended: null,
  };
  await writeRunInfo(out, info);
  return info;
}
