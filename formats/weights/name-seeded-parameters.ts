// Parameters computed from their names, as golden.py's `fill` computes them: a network of any size without a file, for
// tests and benchmarks of full-size models.

import { type Shape, sizeOf } from '../../graph/graph.js';
import type { SafetensorsTensor } from '../safetensors/index.js';

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(text: string): number {
  let c = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) c = CRC_TABLE[(c ^ byte) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}

/** Value `index` of the sequence called `seed`, in [-1, 1): murmur3's finaliser over (index + 1) * 0x9E3779B1 + seed. */
function unitAt(seed: number, index: number): number {
  let x = (Math.imul(index + 1, 0x9e3779b1) + seed) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  x ^= x >>> 16;
  return (x >>> 0) / 2 ** 31 - 1;
}

/** The first `count` values of the sequence called `name`, each in [-1, 1). */
export function unit(name: string, count: number): Float64Array {
  const seed = crc32(name);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = unitAt(seed, i);
  return values;
}

/** Scale and offset that `fill` gives to a parameter of this name and shape. */
function affine(name: string, shape: Shape): [scale: number, offset: number] {
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (last === 'layer_scale_parameter') return [0.25, 0.5];
  if (last === 'running_var') return [0.5, 1];
  if (last === 'running_mean' || last === 'bias') return [0.1, 0];
  if (shape.length === 1) return [0.1, 1];
  return [Math.sqrt(3 / sizeOf(shape.slice(1))), 0];
}

/** The value of a parameter or buffer from its name and shape, row-major. */
export function fill(name: string, shape: Shape): Float32Array {
  const [scale, offset] = affine(name, shape);
  const seed = crc32(name);
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = offset + scale * unitAt(seed, i);
  return values;
}

/** Parameters of these names and shapes as a stream, as if read from a file. */
export function fillStream(shapes: ReadonlyMap<string, Shape>): { tensors(): AsyncIterable<SafetensorsTensor> } {
  return {
    async *tensors() {
      for (const [name, shape] of shapes)
        yield { name, dtype: 'F32', shape, bytes: new Uint8Array(fill(name, shape).buffer) };
    },
  };
}
