// Symmetric int8 along any axis, as ONNX's DequantizeLinear undoes it. Along the first one: formats/weights/int8.ts.

import type { Shape } from '../../graph/graph.js';
import { type Int8Tensor, quantizeRows } from '../weights/int8.js';

/** Whole numbers in the order of `values`, and a scale for each index of `axis`, which is the first or the last. */
export function quantizeAlong(values: Float32Array, shape: Shape, axis: number): Int8Tensor {
  const rows = shape[axis]!;
  if (axis === 0) return quantizeRows(values, rows);
  // Columns become rows, and their whole numbers columns again.
  const width = values.length / rows;
  const turned = new Float32Array(values.length);
  for (let i = 0; i < width; i++) for (let r = 0; r < rows; r++) turned[r * width + i] = values[i * rows + r]!;
  const { q, scale } = quantizeRows(turned, rows);
  const back = new Int8Array(q.length);
  for (let i = 0; i < width; i++) for (let r = 0; r < rows; r++) back[i * rows + r] = q[r * width + i]!;
  return { q: back, scale };
}
