// quantize-report.json.

import type { ModelFolder } from '../formats/model-folder/index.js';
import type { AdapterSummary } from '../runtime/types.js';
import type { Finding, Ranges } from './audit.js';
import type { Example } from './inputs.js';
import { DICE_BUDGET, type QuantizeOptions } from './options.js';
import type { Looked, Scores } from './quantization.js';
import type { Agreement } from './score.js';
import { HALF_MAX, type StoredParameter, type StoredType } from './store.js';
import type { LayerReport, Traced } from './trace.js';

export interface StoredSummary {
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
}

export interface ScoredData {
  readonly data: string;
  readonly split: string;
  /** Masks that mark no lesion. */
  readonly empty_masks: number;
  /** What was taken for granted of masks and images, a line for each thing. */
  readonly notes: readonly string[];
}

export interface QuantizeReport {
  readonly model: string;
  readonly to: 'fp16' | 'int8';
  /** The source: the hash of its model.safetensors. */
  readonly from: { readonly sha256: string; readonly dtype: string };
  readonly created: string;
  readonly package: string;
  readonly device: 'webgpu';
  readonly adapter: AdapterSummary;
  /** Bytes of the tensors in model.safetensors, before and after. */
  readonly bytes: { readonly before: number; readonly after: number; readonly ratio: number };
  readonly stored: Readonly<Record<StoredType, StoredSummary>>;
  /** How activations were stored in the run that the errors are of. */
  readonly activations: 'fp32' | 'fp16';
  readonly examples: { readonly of: string; readonly ids: readonly string[]; readonly text: 'sentences' | 'token ids' };
  readonly ranges: Ranges;
  readonly findings: readonly Finding[];
  readonly layers: readonly LayerReport[];
  readonly end_to_end: {
    readonly logits: Traced['logits'];
    /** Null where no data was given. */
    readonly dice: (Agreement & ScoredData) | null;
  };
  /** With activations rounded to int8, row by row, in the products of int8 weights; null where nobody asked. */
  readonly integer_products: {
    readonly quantized: Agreement['quantized'];
    readonly dice_drop: number;
    readonly pixel_agreement: number;
    /** Within the budget: the tuner may choose them. */
    readonly permitted: boolean;
  } | null;
  readonly budget: { readonly max_dice_drop: number; readonly met: boolean | null };
  readonly parameters: readonly Omit<StoredParameter, 'tensors'>[];
}

export interface ReportParts {
  readonly options: QuantizeOptions;
  readonly folder: ModelFolder;
  readonly looked: Looked;
  readonly scores: Scores | null;
  readonly examples: readonly Example[];
  readonly source: ScoredData | null;
}

export function reportOf({ options, folder, looked, scores, examples, source }: ReportParts): QuantizeReport {
  const { to, maxDiceDrop = DICE_BUDGET[to] } = options;
  const { config, weights } = folder;
  const { traced, audit, parameters } = looked;
  const { agreement = null, whole = null } = scores ?? {};
  const before = weights.header.dataBytes;
  const after = parameters.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    model: config.name,
    to,
    from: { sha256: folder.hash() ?? '', dtype: config.dtype },
    created: new Date().toISOString(),
    package: options.package,
    device: 'webgpu',
    adapter: looked.adapter,
    bytes: { before, after, ratio: after / before },
    stored: {
      int8: summaryOf(parameters, 'int8'),
      fp16: summaryOf(parameters, 'fp16'),
      fp32: summaryOf(parameters, 'fp32'),
    },
    activations: looked.activations === 'f16' ? 'fp16' : 'fp32',
    examples: {
      of: source ? `${source.data}, ${source.split}` : 'the samples of this package',
      ids: examples.map(({ id }) => id),
      text: folder.vocab ? 'sentences' : 'token ids',
    },
    ranges: audit.ranges,
    findings: [...keptParameters(parameters), ...audit.findings],
    layers: traced.layers,
    end_to_end: { logits: traced.logits, dice: agreement && source ? { ...source, ...agreement } : null },
    integer_products: whole && {
      quantized: whole.quantized,
      dice_drop: whole.dice_drop,
      pixel_agreement: whole.pixel_agreement,
      permitted: whole.dice_drop <= maxDiceDrop,
    },
    budget: { max_dice_drop: maxDiceDrop, met: agreement ? agreement.dice_drop <= maxDiceDrop : null },
    parameters: parameters.map(({ tensors: _, ...parameter }) => parameter),
  };
}

function summaryOf(parameters: readonly StoredParameter[], dtype: StoredType): StoredSummary {
  const some = parameters.filter(p => p.dtype === dtype);
  const count = ({ shape }: StoredParameter) => shape.reduce((product, n) => product * n, 1);
  return {
    tensors: some.length,
    parameters: some.reduce((sum, p) => sum + count(p), 0),
    bytes: some.reduce((sum, p) => sum + p.bytes, 0),
  };
}

/** What a rule on the values keeps wider than was asked for. */
const keptParameters = (parameters: readonly StoredParameter[]): Finding[] =>
  parameters.flatMap(({ name, kept, dtype, largest }) =>
    kept === null
      ? []
      : [{ layer: name, kind: 'weight', value: largest, limit: HALF_MAX, rule: `${kept}; stored as ${dtype}` }],
  );
