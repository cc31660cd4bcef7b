// Golden states of the PyTorch reference (golden.py): our own small ones, and the shared ones where they are.

import { existsSync, readFileSync } from 'node:fs';
import { memorySource, openSafetensors, type SafetensorsTensor, toFloat32 } from '../formats/safetensors/index.js';
import type { Feed } from '../graph/interpreter.js';
import { channelsLast } from '../graph/map-layout.js';
import { type NetworkConfig, parseConfig } from '../networks/config.js';

const SHARED = '../shared/reference/golden';

export interface Golden {
  readonly name: string;
  readonly folder: string;
  readonly config: NetworkConfig<'tmca'>;
  readonly batch: number;
  readonly length: number;
  /** Inputs and outputs of golden.py, channels first as PyTorch has them. */
  readonly forward: ReadonlyMap<string, GoldenTensor>;
  /** Inputs in the graph's layout, and the parameters. */
  readonly feed: Feed;
}

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Folders of golden states with weights; the shared ones cover larger and odder shapes. */
export function goldenFolders(): string[] {
  const shared = ['tiny', 'odd', 'baseline'].map(name => `${SHARED}/${name}`).filter(folder => existsSync(folder));
  return ['micro', 'micro-contrast', 'micro-baseline'].map(name => `test/fixtures/golden/${name}`).concat(shared);
}

function numbers(tensor: SafetensorsTensor): ArrayLike<number> {
  if (tensor.dtype === 'U8') return tensor.bytes;
  if (tensor.dtype === 'I32') return new Int32Array(tensor.bytes.slice().buffer);
  return toFloat32(tensor);
}

export async function readTensors(path: string): Promise<Map<string, GoldenTensor>> {
  const tensors = new Map<string, GoldenTensor>();
  const file = await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path));
  for await (const tensor of file.tensors()) tensors.set(tensor.name, { shape: tensor.shape, data: numbers(tensor) });
  return tensors;
}

export async function loadGolden(folder: string): Promise<Golden> {
  const config = parseConfig(
    JSON.parse(readFileSync(`${folder}/config.json`, 'utf8')),
    folder,
  ) as NetworkConfig<'tmca'>;
  const forward = await readTensors(`${folder}/forward.safetensors`);
  const parameters = await readTensors(`${folder}/model.safetensors`);
  const [batch, length] = forward.get('ids')!.shape as [number, number];
  return {
    name: folder.slice(folder.lastIndexOf('/') + 1),
    folder,
    config,
    batch,
    length,
    forward,
    feed: { input: name => channelsLast(forward.get(name)!).data, parameter: name => parameters.get(name)!.data },
  };
}
