// `tmca inspect gradients`: the training loss and every parameter's gradient for inputs from a file.

import { basename, dirname } from 'node:path';
import { safetensorsChunks, tensorOf } from '../../formats/safetensors/index.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { keepInputs } from '../../node/keep-inputs.js';
import type { Context } from '../context.js';
import { readTrainingInputs } from '../inspect-inputs.js';
import type { NetworkOptions } from '../options.js';
import { prepareFolder } from '../outputs.js';

export interface InspectGradientsOptions extends NetworkOptions {
  readonly inputs: string;
  readonly out: string;
  readonly fill: boolean;
  readonly freezeText: boolean;
  readonly json?: boolean;
}

export async function inspectGradients(
  model: string,
  options: InspectGradientsOptions,
  { console, engine, io }: Context,
): Promise<void> {
  const where = 'inspect gradients';
  const inputs = await readTrainingInputs({ where, path: options.inputs }, io.signal);
  await keepInputs(where, { files: [options.out] }, [model, options.inputs]);
  await prepareFolder(dirname(options.out), where);
  const { device, dtype, fill, freezeText } = options;
  const loading = console.loading(basename(model));
  const run = await engine
    .inspectGradients(model, inputs, {
      device,
      dtype,
      fill,
      freeze: freezeText,
      signal: io.signal,
      onProgress: loading.report,
    })
    .finally(loading.end);
  const tensors = Object.entries(run.gradients).map(([name, { shape, data }]) => tensorOf(name, shape, data));
  await writeFileAtomic(options.out, safetensorsChunks(tensors));
  const { losses, dispatches, info } = run;
  const { loss, ...parts } = losses;
  const result = {
    ...losses,
    ...{ out: options.out, gradients: tensors.length, dispatches },
    ...{ device: info.device, dtype: info.dtype, adapter: info.adapter },
  };
  const said = Object.entries(parts).map(([name, value]) => `${name} ${value}`);
  const lines = [`loss ${loss} (${said.join(', ')})`, `${options.out}: ${tensors.length} gradients`];
  await (options.json ? console.json(result) : console.print(lines));
}
