// A run that never ends, in a process of its own, to be killed: logs, saves and publishes, and says each step that it saved.
// Every number of a step's tensors is that step.

import { tensorOf } from '../../formats/safetensors/index.js';
import { parseConfig } from '../../networks/config.js';
import { RunFolder } from '../../train/run-files/index.js';

const config = parseConfig({ vocab_size: 4, name: 'run-test' }, 'test');
const vocab = new TextEncoder().encode('[PAD]\n[UNK]\n[CLS]\n[SEP]\n');
const { run, checkpoint } = await RunFolder.resume(process.argv[2]!, { package: 'tmca-edge@0.0.0-test' });

for (let step = (checkpoint?.state.step ?? 0) + 1; ; step++) {
  const filled = (name: string, value: number) => tensorOf(name, [64, 330], new Float32Array(64 * 330).fill(value));
  const weights = [filled('decoder.weight', step)];
  const optimizer = [filled('adam.m.decoder.weight', step / 2), filled('adam.v.decoder.weight', step / 4)];
  const state = { step, epoch: 0, batch: step, seed: 1, rng: null, best: null, epochsSinceBest: 0, config: {} };
  await run.log({ kind: 'step', step, epoch: 0, loss: 1 / step });
  await run.save({ config, vocab, weights, optimizer, state });
  await run.publish({ config, vocab, weights });
  process.stdout.write(`${step}\n`);
}
