// `tmca quantize`: a model folder at lower precision, with a report of what that costs.

import type { QuantizeProgress, QuantizeReport } from '../../quantize/index.js';
import type { Task } from '../console.js';
import type { Context } from '../context.js';
import type { NetworkOptions } from '../options.js';
import { packageVersion } from '../version.js';

export interface QuantizeCommandOptions extends Pick<NetworkOptions, 'device'> {
  readonly to: 'fp16' | 'int8';
  readonly out: string;
  readonly data?: string;
  readonly split: string;
  readonly text?: string;
  readonly prompt?: string;
  readonly category?: string;
  readonly maxDiceDrop?: number;
  readonly integerProducts?: boolean;
  readonly json?: boolean;
}

const LABELS = { store: 'tensors', look: 'layers', score: 'masks' } as const;

export async function quantize(model: string, options: QuantizeCommandOptions, context: Context): Promise<void> {
  const { console, engine, io } = context;
  const { json, text, prompt, category, ...wanted } = options;
  let shown: { phase: QuantizeProgress['phase']; task: Promise<Task> } | undefined;
  const end = async () => (await shown?.task)?.end();
  const onProgress = ({ phase, done, total }: QuantizeProgress) => {
    const before = shown;
    if (before?.phase !== phase) {
      void before?.task.then(task => task.end());
      shown = { phase, task: console.task(LABELS[phase], total) };
    }
    void shown!.task.then(task => task.step(done));
  };
  const report = await engine
    .quantize(model, {
      ...wanted,
      reading: { text, prompt, category },
      package: packageVersion(),
      signal: io.signal,
      onProgress,
    })
    .finally(end);
  for (const text of report.end_to_end.dice?.notes ?? []) await console.note(text);
  await (json ? console.json(report) : console.print(summary(report, options.out)));
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** How many findings are shown; the report has all. */
const SHOWN = 6;

function summary(report: QuantizeReport, out: string): string[] {
  const { model, to, bytes, stored, layers, end_to_end, findings, examples, budget, adapter, activations } = report;
  const { logits, dice } = end_to_end;
  const whole = report.integer_products;
  const kinds = (['int8', 'fp16', 'fp32'] as const).flatMap(dtype =>
    stored[dtype].tensors > 0 ? [`${stored[dtype].tensors} tensors ${dtype} (${megabytes(stored[dtype].bytes)})`] : [],
  );
  const worst = layers.reduce((least, next) => ((next.cosine ?? -1) < (least.cosine ?? -1) ? next : least));
  const lines = [
    `${out}: ${model} in ${to}, ${megabytes(bytes.after)} of ${megabytes(bytes.before)} (${(100 * bytes.ratio).toFixed(1)} %)`,
    `  stored   ${kinds.join(', ')}`,
    `  layers   ${layers.length} beside f32 on ${examples.ids.length} images of ${examples.of}; least cosine ${show(worst.cosine)} (${worst.layer})`,
    `  logits   cosine ${show(logits.cosine)}, largest error ${logits.max_abs_error.toPrecision(3)}, masks agree on ${(100 * logits.mask_agreement).toFixed(2)} % of pixels`,
    dice
      ? `  dice     ${dice.fp32.dice.toFixed(4)} in fp32, ${dice.quantized.dice.toFixed(4)} in ${to} on ${dice.n} images of ${dice.data} (may fall by ${budget.max_dice_drop})`
      : '  dice     not measured: --data tells the masks',
    ...(whole
      ? [
          `  integer  dice ${whole.quantized.dice.toFixed(4)} with activations in int8 too: ${whole.permitted ? 'permitted, where a device is faster so' : 'not permitted'}`,
        ]
      : []),
    ...findings
      .slice(0, SHOWN)
      .map(({ layer, kind, value, rule }) => `  ${kind} of ${layer}: ${value.toPrecision(4)}; ${rule}`),
    ...(findings.length > SHOWN
      ? [`  and ${findings.length - SHOWN} more findings; quantize-report.html has all`]
      : []),
    `  webgpu, activations ${activations}: ${adapter.description || adapter.vendor}`,
  ];
  return lines;
}

const show = (cosine: number | null): string => (cosine === null ? 'none (not finite)' : cosine.toFixed(6));
