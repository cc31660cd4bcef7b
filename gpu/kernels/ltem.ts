// ltem: the gate by which the text enhances a decoded map.

import { f32, type KernelCall, spread, u32 } from '../kernel.js';
import { checkPositive, elements } from './guard.js';
import source from './ltem.wgsl?raw';
import vec4Source from './ltem-vec4.wgsl?raw';
import { bytesOf } from './sizes.js';

export interface LtemDims {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Temperature of the softmax. */
  readonly tau: number;
}

/** Similarities that a workgroup holds (include/ltem-gate.wgsl). */
const CELLS = 3600;
/** A cell's channels are read by 8 threads: 128 bytes at a time in f32. */
const tile = { GROUP: 256, LANES: 8, CELLS };

/**
 * x [B,H,W,C] and text [B,C] → out [B,2H,2W]: H W · softmax over the cells of cos(x, text) / tau, upsampled bilinearly;
 * its mean before upsampling is 1. One workgroup a batch element; maps beyond 3,600 cells are computed twice.
 *
 * Errors: BAD_ARGUMENT (dimensions, tau), SHAPE_MISMATCH (too many elements). Source: LTEM, section 3.2.3, equation 2.
 *
 * @example
 * ltem({ batch: 1, height: 14, width: 14, channels: 384, tau: 1 }, { x, text, out }, { act: 'f16' })
 */
export function ltem<O>(
  { batch, height, width, channels, tau }: LtemDims,
  { x, text, out }: { x: O; text: O; out: O },
  { act }: { act: 'f32' | 'f16' },
): KernelCall<O> {
  const count = elements('ltem', { batch, height, width, channels });
  checkPositive('ltem', 'tau', tau);
  const fast = channels % 4 === 0;
  const cut = tileOf(height, width);
  const passes = cut.height < height || cut.width < width ? 2 : 1;
  const cells = batch * height * width;
  return {
    shader: { name: fast ? 'ltem-vec4' : 'ltem', source: fast ? vec4Source : source, act, tile },
    uniforms: [...[batch, height, width, fast ? channels / 4 : channels, cut.height, cut.width].map(u32), f32(tau)],
    bindings: [
      { operand: x, access: 'read' },
      { operand: text, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(batch),
    cost: {
      flops: 4 * count * passes + 40 * cells,
      bytes: (count + batch * channels + 4 * cells) * bytesOf(act),
    },
  };
}

/** The whole map where it fits, else the largest tile that fits with a border of one cell all round. */
function tileOf(height: number, width: number): { height: number; width: number } {
  if (height * width <= CELLS) return { height, width };
  const across = Math.min(width, Math.sqrt(CELLS) - 2);
  return { height: Math.min(height, Math.floor(CELLS / (across + 2)) - 2), width: across };
}
