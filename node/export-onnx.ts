// `exportOnnx`: a model folder as two ONNX files that any ONNX runtime runs.

import { join } from 'node:path';
import { loadAssembly } from '../assembly/instance.js';
import { checkArgument, checkOptions } from '../errors/arguments.js';
import { checkedStream, checkTensors, openModelFolder, readModelFiles } from '../formats/model-folder/index.js';
import type { EmittedGraph } from '../formats/onnx/emit.js';
import type { OnnxValue } from '../formats/onnx/messages.js';
import { type OnnxFacts, writeModels } from '../formats/onnx/model.js';
import { type OnnxPrecision, onnxPlans } from '../formats/onnx/plans.js';
import { fillStream } from '../formats/weights/name-seeded-parameters.js';
import type { Config } from '../networks/config.js';
import { Network } from '../networks/network.js';
import { realParameters } from '../runtime/engines/stored-weights.js';
import type { DType, DTypeChoice, Progress } from '../runtime/types.js';
import { type AtomicFile, openAtomic } from './disk/files.js';
import { keepInputs } from './keep-inputs.js';
import { nodeIo } from './model-folder/folder.js';

export interface ExportOnnxOptions {
  /** `auto` (default) keeps the precision in which the model is stored. */
  readonly dtype?: DTypeChoice;
  /** Parameters from golden.py's `fill` instead of a file. */
  readonly fill?: boolean;
  /** Version of what makes the files, for their metadata. */
  readonly producerVersion?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** An input or output of a file; sides that may vary by name. */
export interface OnnxPort {
  readonly name: string;
  readonly type: 'float32' | 'float16' | 'int32';
  readonly shape: readonly (number | string)[];
}

export interface OnnxFile {
  readonly file: string;
  readonly bytes: number;
  readonly nodes: number;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
}

export interface OnnxExport {
  readonly model: string;
  /** SHA-256 of model.safetensors; empty with `fill`. */
  readonly hash: string;
  readonly dtype: DType;
  readonly opset: 20;
  readonly files: readonly OnnxFile[];
}

const PARTS = ['image', 'text'] as const;

const NOTICE = 'Research use only; not a medical device.';

const WORK: Readonly<Record<(typeof PARTS)[number], string>> = {
  image:
    'a normalised image, and what text.onnx made of a sentence where there is one, to logits; sigmoid gives the probability of a lesion',
  text: 'token ids to what image.onnx reads of a sentence, once for any number of images',
};

const about = (network: string, part: (typeof PARTS)[number]): string => `${network}: ${WORK[part]}. ${NOTICE}`;

const PRECISIONS = { fp32: 'f32', fp16: 'f16', int8: 'int8' } as const satisfies Record<DType, OnnxPrecision>;

const NO_HASH = '0'.repeat(64);

/** What a file says of itself, but for its name. */
function metadataOf(config: Config, dtype: DType, hash: string | null): OnnxFacts['metadata'] {
  const { license } = config.extra;
  const { text } = Network.of(config);
  return {
    notice: 'Research use only. Not a medical device.',
    license: typeof license === 'string' ? license : 'that of the model folder; see its README.md',
    model: config.name,
    model_version: config.version,
    ...(hash === null ? {} : { model_sha256: hash }),
    dtype,
    image_size: String(config.imageSize),
    normalize: config.normalize,
    ...(text ? { max_text_length: String(text.maxLength) } : {}),
  };
}

const TYPES = { f32: 'float32', f16: 'float16', i32: 'int32', i64: 'int64', bool: 'bool', i8: 'int8' } as const;

const portOf = ({ name, type, dims }: OnnxValue): OnnxPort => ({
  name,
  type: TYPES[type] as OnnxPort['type'],
  shape: dims.map(({ size, symbol }) => symbol ?? size),
});

/**
 * Writes `image.onnx` and `text.onnx`: the two plans of a model folder, opset 20, for any batch and any text up to the model's
 * positions. Both files appear when both are complete; one tensor is in memory at a time.
 *
 * Inputs: `image` [batch,3,S,S] float32, normalised; `ids` and `mask` [batch,length] int32; and in image.onnx every output of
 * text.onnx under its name. Output: `logits` [batch,1,S,S] float32.
 *
 * @throws TmcaError of the folder (see `openModel`), OUTPUT_NOT_WRITABLE, ABORTED
 * @example
 * const { files } = await exportOnnx('models/nano', 'out', { dtype: 'fp32' });
 */
export async function exportOnnx(
  modelDir: string,
  outDir: string,
  options: ExportOnnxOptions = {},
): Promise<OnnxExport> {
  checkArgument('exportOnnx', 'the model', modelDir, 'string', 'give the path or the address of a model folder');
  checkArgument('exportOnnx', 'the output folder', outDir, 'string', 'give its path');
  checkOptions('exportOnnx', options, { producerVersion: 'string', signal: 'AbortSignal', onProgress: 'function' });
  const { dtype: choice = 'auto', fill = false, producerVersion = '', signal, onProgress } = options;
  const outputs = PARTS.map(part => join(outDir, `${part}.onnx`));
  await keepInputs('exportOnnx', { files: outputs }, [modelDir]);
  const folder = fill ? null : await openModelFolder(modelDir, nodeIo, { ...(signal ? { signal } : {}) });
  const targets: AtomicFile[] = [];
  try {
    const { config } = folder ?? (await readModelFiles(modelDir, nodeIo));
    const expected = Network.of(config).parameters;
    if (folder) checkTensors(folder.weights.header, expected, `${modelDir}/model.safetensors`);
    const dtype = choice === 'auto' ? config.dtype : choice;
    const plans = onnxPlans(config, PRECISIONS[dtype]);
    const made = PARTS.flatMap(part => (plans[part] ? [{ part, graph: plans[part] }] : []));
    for (const { part } of made) targets.push(await openAtomic(outputs[PARTS.indexOf(part)]!));
    const source = folder ? checkedStream(folder) : fillStream(expected);
    const stream = await realParameters(folder?.weights.header ?? null, source);
    const hash = () => (folder ? (folder.hash() ?? NO_HASH) : null);
    const facts = (index: number): OnnxFacts => ({
      name: `${config.name} ${made[index]!.part}`,
      description: about(Network.of(config).title, made[index]!.part),
      producerVersion,
      metadata: metadataOf(config, dtype, hash()),
    });
    const bytes = await writeModels(
      made.map(({ graph }) => graph),
      facts,
      await loadAssembly(),
      stream,
      targets,
      { signal, onProgress },
    );
    for (const target of targets) await target.commit();
    const files = made.map(({ part, graph }, i) => describeFile(outputs[PARTS.indexOf(part)]!, bytes[i]!, graph));
    return { model: config.name, hash: hash() ?? '', dtype, opset: 20, files };
  } finally {
    for (const target of targets) await target.discard();
    await folder?.close();
  }
}

const describeFile = (file: string, bytes: number, { nodes, inputs, outputs }: EmittedGraph): OnnxFile => ({
  file,
  bytes,
  nodes: nodes.length,
  inputs: inputs.map(portOf),
  outputs: outputs.map(portOf),
});
