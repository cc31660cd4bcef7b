// Files of `tmca bench`, of this machine and of others, checked: what a comparison reads of them.

import { basename } from 'node:path';
import * as v from 'valibot';
import { TmcaError } from '../../errors/index.js';
import { parseJson } from '../../formats/checked-json.js';
import { readText } from '../../node/disk/read-file.js';
import { ENGINES } from '../../runtime/engines/names.js';

const number = v.pipe(v.number(), v.finite(), v.minValue(0));
const maybe = v.nullish(number, null);
const latencySchema = v.object({ p50: number, p95: number, p99: number, n: number });
const coldSchema = v.object({ load: maybe, compile: maybe, first_text: maybe, first_frame: number, total: number });
const kernelSchema = v.object({ name: v.string(), count: number, ms: number, share: number, roofline: maybe });
const adapterSchema = v.object({
  vendor: v.string(),
  architecture: v.string(),
  description: v.string(),
  software: v.boolean(),
});

/** The contract's fields, and of what was added to them what is shown; files of before the additions are read too. */
const measurementSchema = v.object({
  adapter: adapterSchema,
  device: v.nullish(v.picklist(ENGINES), 'webgpu'),
  model: v.string(),
  inputs: v.nullish(v.object({ image_size: number, tokens: number }), null),
  dtype: v.picklist(['fp32', 'fp16', 'int8']),
  ours: v.object({
    frame: latencySchema,
    text: latencySchema,
    cold: coldSchema,
    dispatches: number,
    gpu_bytes: v.object({ weights: number, arena: number, other: number }),
    planned_bytes: v.nullish(v.object({ arena: number, arena_lower_bound: number }), null),
    kernels: v.array(kernelSchema),
  }),
  peer: v.nullish(
    v.object({ name: v.string(), version: v.string(), frame: latencySchema, text: latencySchema, cold: coldSchema }),
    null,
  ),
  ratio: v.nullish(v.object({ frame: number, text: number, cold: number }), null),
  agreement: v.nullish(v.object({ max_abs: v.nullable(v.number()), mask: v.nullable(v.number()) }), null),
  roofline: v.nullish(v.object({ gflops: number, gflops_f16: maybe, gbytes: number }), null),
  command: v.nullish(v.string(), null),
  commit: v.nullish(v.string(), null),
  date: v.nullish(v.string(), null),
  /** What whoever measured says of the machine: quiet, busy. */
  note: v.nullish(v.string(), null),
  userAgent: v.nullish(v.string(), null),
});

export type Measurement = v.InferOutput<typeof measurementSchema> & {
  /** Name of the file. */
  readonly file: string;
};

/** Errors: FILE_NOT_FOUND, FILE_UNREADABLE, and BAD_ARGUMENT where a file is not what `tmca bench` writes. */
export async function readMeasurement(path: string): Promise<Measurement> {
  const kind = {
    rule: 'bench report: a file must be one that tmca bench --out wrote',
    advice: 'give such files',
  } as const;
  const text = await readText(path, { ...kind, invalid: 'BAD_ARGUMENT' });
  const fail = (got: string, cause?: unknown) =>
    new TmcaError(
      'BAD_ARGUMENT',
      `bench report: ${path} must be a file that tmca bench --out wrote, got ${got}; measure again`,
      { cause },
    );
  return { ...parseJson(text, measurementSchema, fail), file: basename(path) };
}
