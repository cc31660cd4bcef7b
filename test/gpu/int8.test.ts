// A network whose file holds int8 weights, on the device, against the interpreter on the numbers that the file means.

import { readFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import {
  encodeSafetensors,
  memorySource,
  openSafetensors,
  type SafetensorsFile,
  type SafetensorsTensor,
  toFloat32,
} from '../../formats/safetensors/index.js';
import { int8Parameters, quantizedStream, realStream } from '../../formats/weights/int8.js';
import { evaluate } from '../../graph/interpreter.js';
import { channelsLast } from '../../graph/map-layout.js';
import { Network } from '../../networks/network.js';
import { choosePrecision } from '../../runtime/engines/choice.js';
import { int8Names, storedWeights } from '../../runtime/engines/stored-weights.js';
import { runForward } from '../../runtime/inspect/forward.js';
import { loadGolden } from '../golden.js';
import { expectClose, tolerance } from '../tolerance.js';
import { testDevice } from './device.js';

const golden = await loadGolden('test/fixtures/golden/micro');
const { config, batch, length, forward } = golden;
const inputs = { image: forward.get('image')!, ids: forward.get('ids')!, mask: forward.get('mask')! };
const open = (bytes: Uint8Array) => openSafetensors(memorySource(bytes, 'model.safetensors'));
const floats = new Uint8Array(readFileSync(`${golden.folder}/model.safetensors`));

async function collect(stream: { tensors(): AsyncIterable<SafetensorsTensor> }): Promise<SafetensorsTensor[]> {
  const tensors: SafetensorsTensor[] = [];
  for await (const tensor of stream.tensors()) tensors.push(tensor);
  return tensors;
}

const bytes = encodeSafetensors(await collect(quantizedStream(await open(floats), int8Parameters(config))));

/** What the interpreter makes of the numbers that the int8 file means. */
async function meant() {
  const file = await open(bytes);
  const values = new Map((await collect(realStream(file, int8Names(file.header)))).map(t => [t.name, toFloat32(t)]));
  return evaluate(Network.of(config).forward(batch, length).named, {
    ...golden.feed,
    parameter: name => values.get(name)!,
  });
}

const precisions = [
  { name: 'f32 arithmetic', f16: false, allowed: tolerance.goldenHalf },
  ...((await testDevice(true)).features.f16 ? [{ name: 'shader-f16', f16: true, allowed: tolerance.goldenHalf }] : []),
];

async function run(file: SafetensorsFile, dtype: 'int8' | 'fp32', stored: 'int8' | 'fp32', f16: boolean) {
  const precision = choosePrecision(dtype, stored, f16);
  const held = await storedWeights({ ...config, dtype: stored }, file.header, precision, file);
  const gpu = await testDevice(f16);
  return runForward(gpu, await loadAssembly(), config, inputs, held.precision, held.parameters);
}

describe.each(precisions)('$name', ({ f16, allowed }) => {
  test('an int8 file runs as the numbers that it means', async () => {
    const { outputs } = await run(await open(bytes), 'int8', 'int8', f16);
    const expected = await meant();
    for (const name of ['logits', 'text', 'pooled'] as const)
      expectClose(channelsLast(outputs[name]!).data, expected[name]!.data, allowed);
  });

  test('a float file run as int8 gives the same as its int8 file', async () => {
    const { outputs } = await run(await open(floats), 'int8', 'fp32', f16);
    const { outputs: again } = await run(await open(bytes), 'int8', 'int8', f16);
    // The one rounds what it does not quantize to f16; the other's file holds that in F32, and it stays so.
    expectClose(outputs.logits!.data, again.logits!.data, allowed);
  });
});

test('an int8 file runs in fp32 where that is asked for', async () => {
  const { outputs } = await run(await open(bytes), 'fp32', 'int8', true);
  const expected = await meant();
  for (const [name, output] of Object.entries(outputs))
    expectClose(channelsLast(output).data, expected[name]!.data, tolerance.golden);
});
