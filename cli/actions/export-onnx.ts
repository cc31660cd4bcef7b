// `tmca export-onnx`: a model folder as two ONNX files.

import { basename } from 'node:path';
import { type OnnxExport, type OnnxPort, exportOnnx as write } from '../../node/index.js';
import type { DTypeChoice } from '../../runtime/types.js';
import type { Context } from '../context.js';
import { prepareFolder } from '../outputs.js';

export interface ExportOnnxOptions {
  readonly out: string;
  readonly dtype: DTypeChoice;
  readonly fill: boolean;
  /** The version of this package. */
  readonly version: string;
  readonly json?: boolean;
}

export async function exportOnnx(model: string, options: ExportOnnxOptions, { console, io }: Context): Promise<void> {
  const { out, dtype, fill, version, json } = options;
  await prepareFolder(out, 'export-onnx');
  const loading = console.loading(basename(model));
  const given = { dtype, fill, producerVersion: version, signal: io.signal, onProgress: loading.report };
  const result = await write(model, out, given).finally(loading.end);
  await (json ? console.json(result) : console.print(summary(result)));
}

function summary({ files, dtype, opset, model }: OnnxExport): string[] {
  const port = ({ name, type, shape }: OnnxPort) => `${name} ${type} [${shape.join(', ')}]`;
  const lines = files.flatMap(({ file, bytes, nodes, inputs, outputs }) => [
    `${file}: ${(bytes / 1e6).toFixed(1)} MB, ${nodes} nodes`,
    ...inputs.map(each => `  in   ${port(each)}`),
    ...outputs.map(each => `  out  ${port(each)}`),
  ]);
  return [...lines, `${model}: ${dtype}, opset ${opset}. Research use only; not a medical device.`];
}
