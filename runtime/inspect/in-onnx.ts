// `inspect forward` in an onnxruntime: every checkpointed output, from the network in one ONNX graph.

import type { Assembly } from '../../assembly/index.js';
import { type FillOptions, splitModels } from '../../formats/onnx/model.js';
import { onnxNetwork } from '../../formats/onnx/plans.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { Config } from '../../networks/config.js';
import { OnnxNetwork, type Ort } from '../engines/wasm/network.js';
import { checkInputs, type ForwardInputs, type ForwardRun } from './forward.js';

/** @throws TmcaError BAD_ARGUMENT where inputs do not fit the network, ENGINE_FAILED; what loading throws */
export async function runForwardInOnnx(
  ort: Ort,
  assembly: Assembly,
  config: Config,
  inputs: ForwardInputs,
  parameters: ParameterStream,
  options: FillOptions = {},
): Promise<ForwardRun> {
  checkInputs('inspectForward', config, inputs);
  const facts = { name: config.name, description: '', producerVersion: '', metadata: {} };
  const [model] = await splitModels([onnxNetwork(config)], facts, assembly, parameters, options);
  const network = await OnnxNetwork.create(ort, model!);
  try {
    const { image, ...texts } = inputs;
    const ids = Object.entries(texts).map(([name, { shape, data }]) => [name, { shape, data: Int32Array.from(data) }]);
    const outputs = await network.run({
      image: { shape: image.shape, data: Float32Array.from(image.data) },
      ...Object.fromEntries(ids),
    });
    return { outputs, dispatches: 0, arenaBytes: 0 };
  } finally {
    network.dispose();
  }
}
