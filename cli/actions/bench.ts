// `tmca bench`: latency, memory and kernels of the network here, and the same work by a peer.

import { join } from 'node:path';
import { bench, provenance } from '../../devices/node/bench.js';
import type { PeerId } from '../../devices/node/find-peers.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { keepInputs } from '../../node/keep-inputs.js';
import type { Context } from '../context.js';
import { benchReport } from '../display/bench.js';
import { flatReport } from '../display/flat.js';
import { passReport } from '../display/passes.js';
import { Phases } from '../display/phases.js';
import { shippedModel } from '../engine.js';
import type { NetworkOptions } from '../options.js';
import { version } from '../version.js';

export interface BenchCommandOptions extends NetworkOptions {
  readonly model: string;
  readonly fill?: string;
  readonly peer: PeerId | 'none';
  readonly peerDtype?: 'fp32' | 'fp16';
  readonly frames: number;
  readonly seconds: number;
  readonly assembly: boolean;
  /** Rewrites of the graph are compared, and nothing else. */
  readonly passes?: boolean;
  /** Memory over many frames, and nothing else. */
  readonly flat?: boolean;
  readonly note?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export async function benchModel(
  { fill, model, out, json, passes, flat, note, ...options }: BenchCommandOptions,
  { console, io }: Context,
): Promise<void> {
  await keepInputs('bench', { files: [out] }, [model, fill]);
  const phases = new Phases(console);
  const command = ['tmca', ...process.argv.slice(2)].join(' ');
  const onProgress = (what: string, done: number, total: number) => phases.step(what, done, total);
  const given = { ...options, model: fill ?? model, fill: fill !== undefined, signal: io.signal, onProgress };
  const [found, text] = await measured().finally(() => phases.end());
  const result = { ...found, command, ...(note === undefined ? {} : { note }), ...provenance() };
  if (out) await writeFileAtomic(out, `${JSON.stringify(result, null, 2)}\n`);
  await (json ? console.json(result) : console.print(text));

  /** What was asked for, and how it reads. */
  async function measured(): Promise<readonly [object, readonly string[]]> {
    if (passes) {
      const { benchPasses } = await import('../../devices/node/pass-bench.js');
      const compared = await benchPasses(given);
      return [compared, passReport(compared)];
    }
    if (flat) {
      const { benchFlat } = await import('../../devices/node/flat-bench.js');
      const sampled = await benchFlat(given);
      return [sampled, flatReport(sampled)];
    }
    const vocab = join(shippedModel, 'vocab.txt');
    const benched = await bench({ ...given, vocab, version: version() });
    return [benched, benchReport(benched)];
  }
}
