// `tmca export-checkpoint`: an encoder of a model under another project's names.

import { exportCheckpoint } from '../../convert/export.js';
import { CONVENTIONS, type ConventionId } from '../../convert/names.js';
import type { Context } from '../context.js';

export interface ExportCheckpointOptions {
  readonly as: ConventionId;
  readonly out: string;
  readonly json?: boolean;
}

export async function exportModel(
  model: string,
  { json, ...options }: ExportCheckpointOptions,
  { console, io }: Context,
): Promise<void> {
  const task = await console.task('tensors', 1);
  const onTensor = (done: number, total: number) => task.step(done, total);
  const result = await exportCheckpoint({ ...options, model, signal: io.signal, onTensor }).finally(task.end);
  const { out, as, encoder, tensors } = result;
  await (json
    ? console.json(result)
    : console.print(`${out}: ${tensors.length} tensors of the ${encoder} encoder, named as ${CONVENTIONS[as].title}`));
}
