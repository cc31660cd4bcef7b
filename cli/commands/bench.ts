// `tmca bench`: latency, memory and kernels of the network here, and the same work by a peer.

import { join } from 'node:path';
import { bench } from '../../devices/node/bench.js';
import type { PeerId } from '../../devices/node/find-peers.js';
import { writeFileAtomic } from '../../runtime/node/files.js';
import type { Context } from '../context.js';
import { shippedModel } from '../engine.js';
import type { NetworkOptions } from '../options.js';
import { version } from '../version.js';
import { benchReport } from './bench-report.js';
import { Phases } from './phases.js';

export interface BenchCommandOptions extends NetworkOptions {
  readonly model: string;
  readonly fill?: string;
  readonly peer: PeerId | 'none';
  readonly peerDtype?: 'fp32' | 'fp16';
  readonly frames: number;
  readonly seconds: number;
  readonly assembly: boolean;
  readonly out?: string;
  readonly json?: boolean;
}

export async function benchModel(
  { fill, model, out, json, ...options }: BenchCommandOptions,
  { console, io }: Context,
): Promise<void> {
  const phases = new Phases(console);
  const result = await bench({
    ...options,
    model: fill ?? model,
    fill: fill !== undefined,
    vocab: join(shippedModel, 'vocab.txt'),
    version: version(),
    command: ['tmca', ...process.argv.slice(2)].join(' '),
    signal: io.signal,
    onProgress: (what, done, total) => phases.step(what, done, total),
  }).finally(() => phases.end());
  if (out) await writeFileAtomic(out, `${JSON.stringify(result, null, 2)}\n`);
  await (json ? console.json(result) : console.print(benchReport(result)));
}
