// `tmca inspect forward`: what every part of a network gives for inputs from a file.

import { basename, dirname } from 'node:path';
import { safetensorsChunks, tensorOf } from '../../formats/safetensors/index.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { keepInputs } from '../../node/keep-inputs.js';
import type { Context } from '../context.js';
import { readForwardInputs } from '../inspect-inputs.js';
import type { NetworkOptions } from '../options.js';
import { prepareFolder } from '../outputs.js';

export interface InspectForwardOptions extends NetworkOptions {
  readonly inputs: string;
  readonly out: string;
  readonly fill: boolean;
  readonly json?: boolean;
}

export async function inspectForward(model: string, options: InspectForwardOptions, context: Context): Promise<void> {
  const { console, engine, io } = context;
  const inputs = await readForwardInputs({ where: 'inspect forward', path: options.inputs }, io.signal);
  await keepInputs('inspect forward', { files: [options.out] }, [model, options.inputs]);
  await prepareFolder(dirname(options.out), 'inspect forward');
  const { device, dtype, fill } = options;
  const loading = console.loading(basename(model));
  const onProgress = loading.report;
  const run = await engine
    .inspectForward(model, inputs, { device, dtype, fill, signal: io.signal, onProgress })
    .finally(loading.end);
  const tensors = Object.entries(run.outputs).map(([name, { shape, data }]) => tensorOf(name, shape, data));
  await writeFileAtomic(options.out, safetensorsChunks(tensors));
  const outputs = tensors.map(({ name, shape }) => ({ name, shape }));
  const { info, dispatches } = run;
  const result = {
    out: options.out,
    outputs,
    dispatches,
    device: info.device,
    dtype: info.dtype,
    adapter: info.adapter,
  };
  const lines = outputs.map(({ name, shape }) => `  ${name} [${shape.join(', ')}]`);
  await (options.json ? console.json(result) : console.print([`${options.out}:`, ...lines]));
}
