// A training run in a process of its own, to be killed: options as JSON in the first argument; says each step that it has taken.

import { pathToFileURL } from 'node:url';
import { train } from '../../train/run/train.js';

const { workerScript, ...options } = JSON.parse(process.argv[2]!);
await train({
  ...options,
  workerScript: pathToFileURL(workerScript),
  onEvent: event => {
    if (event.kind === 'step') process.stdout.write(`${event.line.step}\n`);
  },
});
