// A model folder at lower precision: stored, looked at layer by layer beside f32, scored, and written only if it holds.

import { loadAssembly } from '../assembly/instance.js';
import { check } from '../errors/index.js';
import { checkTensors, type ModelFolder, openModelFolder } from '../formats/model-folder/index.js';
import { Network } from '../networks/network.js';
import { checkReading, openDatasetFor } from '../node/datasets/reading.js';
import { keepInputs } from '../node/keep-inputs.js';
import { nodeIo } from '../node/model-folder/folder.js';
import { memoryFolder } from '../node/model-folder/in-memory.js';
import { checkModelTarget, writeModelFolder } from '../node/model-folder/model-writer.js';
import { takesGpu } from '../runtime/engines/names.js';
import { INT8_PRODUCTS } from '../runtime/engines/webgpu/tune-programs.js';
import { textUse } from '../runtime/session/text-use.js';
import { checkBudget, checkLesions } from './gate.js';
import { builtInExamples, encodeExamples, spreadExamples } from './inputs.js';
import { describeSource, quantizedFrom } from './manifest-origin.js';
import type { QuantizeOptions } from './options.js';
import { Quantization, type Report } from './quantization.js';
import { type QuantizeReport, reportOf } from './report.js';
import { renderReport } from './report-page.js';

export const REPORT_FILES = ['quantize-report.json', 'quantize-report.html'] as const;

/**
 * Stores a model as fp16 or int8 in a new folder, with `quantize-report.json` and `.html`.
 *
 * @param model path or address of a model folder, fp32 or fp16
 * @throws TmcaError ACCURACY_LOST where Dice falls by more than the budget: nothing is written then; DATASET_INVALID where no mask
 *   marks a lesion; UNSUPPORTED (a model that
 *   is int8 already); those of the folder, the data set and the device, BAD_ARGUMENT, OUTPUT_NOT_WRITABLE, ABORTED
 * @example
 * const report = await quantize('models/nano-128', { to: 'int8', out: 'nano-int8', data: 'kvasir-seg', package: 'tmca-edge@0.1.0' });
 */
export async function quantize(model: string, options: QuantizeOptions): Promise<QuantizeReport> {
  const { out, data, split = 'test', reading = {}, signal, device = 'auto' } = options;
  await keepInputs('quantize', { folder: out }, [model, data]);
  check(
    takesGpu(device),
    'ENGINE_UNAVAILABLE',
    `quantize: layers are looked at on WebGPU, got device ${device}; use --device webgpu (a software adapter will do)`,
  );
  check(
    !options.integerProducts || (options.to === 'int8' && data !== undefined),
    'BAD_ARGUMENT',
    `quantize: --integer-products needs --to int8 and --data to score them on, got --to ${options.to}${data === undefined ? ' and no data' : ''}; leave it out`,
  );
  await checkModelTarget(out, 'quantize', REPORT_FILES);
  const report: Report = (phase, done, total) => options.onProgress?.({ phase, done, total });
  const dataset =
    data === undefined
      ? null
      : await openDatasetFor('quantize', model, data, { split, ...reading, ...(signal && { signal }) });
  const records = dataset?.records ?? null;
  const masks = records && (await checkLesions(records, data!, signal));
  const folder = await openSource(model, signal);
  try {
    checkReading('quantize', textUse(folder.config), reading);
    const assembly = await loadAssembly();
    const examples = records ? spreadExamples(records) : await builtInExamples();
    const inputs = await encodeExamples(assembly, folder.config, folder.vocab, examples, signal);
    const work = new Quantization(assembly, folder, inputs, options, report);
    const looked = await work.look();
    const stored = memoryFolder({ config: looked.config, vocab: folder.vocab, tensors: looked.tensors });
    const scores = records && (await work.score(model, stored, records));
    const result = reportOf({
      ...{ options, folder, looked, scores, examples },
      source: dataset &&
        masks && {
          ...{ data: dataset.name, split, empty_masks: masks.empty },
          notes: [...dataset.warnings, ...dataset.notes, ...masks.notes, ...(scores?.notes ?? [])],
        },
    });
    checkBudget(result);
    const { config } = looked;
    const permitted = result.integer_products?.permitted ? { [INT8_PRODUCTS]: true } : {};
    await writeModelFolder(
      out,
      {
        config: { ...config, extra: { ...config.extra, ...permitted } },
        vocab: folder.vocab,
        tensors: looked.tensors.map(({ bytes, ...tensor }) => ({ ...tensor, load: async () => bytes })),
        files: {
          'quantize-report.json': `${JSON.stringify(result, null, 2)}\n`,
          'quantize-report.html': renderReport(result),
        },
      },
      { package: options.package, extra: quantizedFrom(result, model, out) },
      'quantize',
    );
    return result;
  } finally {
    await folder.close();
  }
}

async function openSource(model: string, signal: AbortSignal | undefined): Promise<ModelFolder> {
  const folder = await openModelFolder(model, nodeIo, signal ? { signal } : {});
  try {
    const { config, weights } = folder;
    checkTensors(weights.header, Network.of(config).parameters, `${model}/model.safetensors`);
    const whole = [...weights.header.tensors].find(([, { dtype }]) => dtype === 'I8');
    check(
      whole === undefined,
      'UNSUPPORTED',
      () =>
        `quantize: the source must be fp32 or fp16, got ${describeSource(config)} with int8 weights (${whole![0]}); use the folder that it was made from`,
    );
    return folder;
  } catch (error) {
    await folder.close();
    throw error;
  }
}

export { DICE_BUDGET, type QuantizeOptions, type QuantizeProgress } from './options.js';
export type { QuantizeReport } from './report.js';
