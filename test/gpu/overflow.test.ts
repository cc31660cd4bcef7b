// The overflow test (test/overflow.ts) on the device, in every precision that it can run.

import { test } from 'vitest';
import { loadAssembly } from '../../assembly/index.js';
import { bytesOfView, decodeStorage } from '../../formats/weights/encode-storage.js';
import { int8Parameters } from '../../formats/weights/int8.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { GpuDevice } from '../../gpu/device.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { Readback } from '../../gpu/readback.js';
import type { Tuning } from '../../gpu/tuning.js';
import { choosePrecision, type PrecisionChoice } from '../../runtime/engines/choice.js';
import { storedWeights } from '../../runtime/engines/stored-weights.js';
import { DeviceReport } from '../../runtime/engines/webgpu/device-report.js';
import { Plan } from '../../runtime/engines/webgpu/plan.js';
import { ProgramSet } from '../../runtime/engines/webgpu/programs.js';
import { WeightStore } from '../../runtime/engines/webgpu/weights.js';
import { padIds } from '../../runtime/text-lengths.js';
import { toHalf } from '../half.js';
import {
  expectNoWrongMask,
  judge,
  newVerdicts,
  type OverflowInputs,
  overflowCases,
  overflowInputs,
} from '../overflow.js';
import { testDevice } from './device.js';
import { tuningsOf } from './harness.js';

const assembly = await loadAssembly();
const inputs = await overflowInputs();

/** A network on a device, its programs made once and its weights anew for every case. */
async function runner(gpu: GpuDevice, tuning: Tuning, choice: PrecisionChoice, { config, image, ids }: OverflowInputs) {
  const none = { async *tensors() {} };
  const { precision } = await storedWeights(config, null, choice, none);
  const programs = new ProgramSet(config, precision, gpu.limits);
  programs.tuning = tuning;
  const length = programs.lengths[0]!;
  const pipelines = PipelineCache.of(gpu);
  const readback = new Readback(gpu);
  const padded = padIds(ids, length);
  const picture = choice.activations === 'f16' ? Uint16Array.from(image, toHalf) : image;
  return async (stream: ParameterStream): Promise<Float32Array> => {
    const { frame, text } = programs.of(length);
    const { parameters } = await storedWeights(config, null, choice, stream);
    const weights = await WeightStore.load(gpu, assembly, [frame, text], parameters);
    const made: { dispose(): void }[] = [weights];
    try {
      const plan = async (which: 'text' | 'frame') => {
        const { program, options } = programs.placed(length, which);
        const each = await Plan.create(gpu, pipelines, program, weights, which, options);
        made.push(each);
        return each;
      };
      const [texts, frames] = [await plan('text'), await plan('frame')];
      texts.write('ids', bytesOfView(padded.ids));
      texts.write('mask', bytesOfView(padded.mask));
      const report = await DeviceReport.create(gpu, texts, padded.mask);
      made.push(report);
      frames.write('image', bytesOfView(picture));
      const encoder = gpu.device.createCommandEncoder({ label: 'overflow' });
      texts.encode(encoder);
      report.copyFrom(texts, encoder);
      report.copyTo(frames, length, encoder);
      frames.encode(encoder);
      gpu.device.queue.submit([encoder.finish()]);
      const { range, storage } = frames.output('logits');
      return decodeStorage(assembly, await readback.read(range), storage, config.imageSize ** 2);
    } finally {
      for (const each of made) each.dispose();
    }
  };
}

const gpu = await testDevice(true);
const dtypes = (['fp32', 'fp16', 'int8'] as const).flatMap(dtype =>
  tuningsOf(gpu).map(({ name, tuning }) => ({ dtype, name, tuning })),
);

test.each(dtypes)('an overflow in $dtype, $name, ends in an error or in the mask of double precision', async each => {
  const { dtype, name, tuning } = each;
  const run = await runner(gpu, tuning, choosePrecision(dtype, 'fp32', gpu.features.f16), inputs);
  const verdicts = newVerdicts();
  // Shader compilers of CPUs take their time over tiles that were made for GPUs, and no case is about them alone.
  const stride = (tuning === gpu.tuning ? 1 : 4) * (dtype === 'int8' ? 2 : 1);
  const options = dtype === 'int8' ? { stride, whole: int8Parameters(inputs.config) } : { stride };
  for await (const changed of overflowCases(inputs, options))
    await judge(assembly, inputs, changed, verdicts, dtype === 'fp32' ? 'fp32' : 'half', run);
  expectNoWrongMask(`webgpu ${dtype}, ${name}`, verdicts);
});
