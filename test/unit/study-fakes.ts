// Studies with a training that only says that it trained.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { resolveTrainConfig } from '../../train/config.js';
import type { TrainOptions, TrainResult } from '../../train/run/options.js';
import { completeSettings } from '../../train/study/settings.js';
import { type RowResults, runStudy, type StudyOptions } from '../../train/study/study.js';

export const settings = completeSettings(await resolveTrainConfig('nano'));

export let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-study-'));
});
afterEach(() => rm(folder, { recursive: true }));

export async function dataset(texts = ['one', 'two', 'three']): Promise<string> {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  await writeFile(join(data, 'file.png'), '');
  const files = { image: 'file.png', mask: 'file.png' };
  const records = [
    ...texts.map((text, i) => ({ id: `t${i}`, ...files, split: 'train', text })),
    { id: 'v', ...files, split: 'val', text: 'val' },
    { id: 'x', image: 'missing.png', mask: 'missing.png', split: 'test', text: 'test' },
  ];
  await writeFile(join(data, 'dataset.json'), JSON.stringify({ name: 'Few', records }));
  return data;
}

const adapter = { vendor: 'v', architecture: '', description: 'Test adapter', software: true, features: [] };

/** Says that it trained: the score is the learning rate plus a thousandth of the seed. */
export function fakeTrain(onRun: (options: TrainOptions, count: number) => void = () => {}) {
  const calls: TrainOptions[] = [];
  const train = async (options: TrainOptions): Promise<TrainResult> => {
    calls.push(options);
    const { out, config, onEvent } = options;
    const { lr, seed } = config as { lr: number; seed: number };
    await mkdir(join(out, 'checkpoints'), { recursive: true });
    onRun(options, calls.length);
    onEvent?.({ kind: 'prepare' });
    const dice = Math.round(1000 * lr + seed) / 1000;
    const line = (epoch: number, d: number) =>
      `${JSON.stringify({ kind: 'epoch', step: epoch + 1, epoch, val_dice: d, val_iou: d / 2, val_mean_dice: d, val_mean_iou: d, seconds: 2 })}\n`;
    await writeFile(join(out, 'metrics.jsonl'), line(0, dice / 2) + line(1, dice) + line(2, dice / 4));
    const best = { step: 2, epoch: 1, score: dice };
    return { out, stopped: 'epochs', step: 3, last: null, best, seed, splits: {}, adapter };
  };
  return { train, calls };
}

export const row = (lr: number) => ({ name: `lr=${lr}`, patch: { lr } });

export async function study(more: Partial<StudyOptions> & Pick<StudyOptions, 'train'>): Promise<RowResults[]> {
  const data = await dataset();
  return runStudy({
    ...{ data, out: join(folder, 'out'), settings, rows: [row(0.1), row(0.2)], seeds: [1, 2] },
    ...{ score: null, package: 'tmca-edge@0.0.0', ...more },
  });
}
