// What a kernel is, to the rest of the project: a call record. A kernel's factory (`kernels/NAME.ts`) turns dimensions
// and operands into one; whoever runs it (a plan, a test) supplies the buffers. Nothing here touches a device.

import type { Cut, Tuning } from './tuning.js';

/**
 * How numbers lie in a storage buffer. `f16` is native where the device has `shader-f16`, else packed in pairs in u32; `i8`
 * is four signed bytes in a u32, the first in the low one.
 */
export type Storage = 'f32' | 'f16' | 'i8' | 'i32';

/** Element types of a weight operand. `i8` comes with one f32 scale for each output channel. */
export type WeightStorage = 'f32' | 'f16' | 'i8';

/** How a kernel may be given a picture: as `texture_external` or as `texture_2d<f32>`. */
export type TextureKind = 'external' | '2d';

/** One piece of WGSL: the text of a `.wgsl` file and what the generated header must put before it. */
export interface Shader {
  /** kebab-case, the file's name, and after it `-vec4` where packets are of four; also the label of the pipeline. */
  readonly name: string;
  /** Text of `kernels/NAME.wgsl`. */
  readonly source: string;
  /** Shared files that `// include:` may name besides those of `kernels/shared/includes.ts`, which every bundle holds. */
  readonly includes?: Readonly<Record<string, string>>;
  /**
   * Includes taken in place of those that the source names: the same work, dealt to invocations otherwise. Part of the
   * pipeline's key.
   */
  readonly swap?: Readonly<Record<string, string>>;
  /**
   * Element type of activations: alias `act` (and `act4`), converted by `f32(x)` / `vec4f(x)` and `act(x)` / `act4(x)`.
   * Needs `shader-f16` when 'f16'.
   */
  readonly act: 'f32' | 'f16';
  /**
   * Element type of the weight operand, if the kernel has one: `weight4` is the storage type of four consecutive weights,
   * `unpack_weight(w: weight4) -> vec4f` reads them. 'f16' becomes `vec4h` with `shader-f16` and `vec2u` without,
   * 'i8' a `u32`, whose numbers are whole.
   */
  readonly weight?: WeightStorage;
  /**
   * How many numbers the kernel takes at a time, for a source that serves both. The header then has the arithmetic type
   * `Packet` (f32 or vec4f), the storage types `ActPacket` and `WeightPacket`, and `PACKET` (see `assembleShader`). Part of
   * the pipeline's key.
   */
  readonly packet?: 1 | 4;
  /**
   * Where the kernel reads a picture: a frame of a video as the browser holds it, or a texture. The header then has
   * `source_at(vec2u) -> vec4f` and `source`, which lies alone in group 1: whoever encodes the pass binds it there.
   */
  readonly texture?: TextureKind;
  /** Numbers that size register tiles: `const NAME: u32 = VALUE;` in the header. They are part of the pipeline's key. */
  readonly tile?: Readonly<Record<string, number>>;
}

/** What a factory must know besides dimensions: element types, and how the device wants its work cut. */
export interface KernelStorage {
  readonly act: 'f32' | 'f16';
  readonly weight: WeightStorage;
  /** `hardwareTuning` if not given. */
  readonly tuning?: Tuning;
}

export interface Binding<Operand> {
  /** `null`: an optional input that is absent; a small shared zero buffer is bound in its place. */
  readonly operand: Operand | null;
  readonly access: 'read' | 'read_write';
}

/**
 * Values of the uniform block by the names of its fields. The struct in the kernel's WGSL is the one place that says
 * their order and types, and a call whose names are not the struct's is refused when its plan is made (uniforms.ts).
 */
export type Uniforms = Readonly<Record<string, number>>;

/**
 * One dispatch. Bindings are numbered from 1 in group 0; binding 0 is the uniform block. An output never shares a buffer
 * with an input of the same call, so inputs are declared `read`.
 */
export interface KernelCall<Operand> {
  readonly shader: Shader;
  /** Pipeline-overridable constants (`override` in the WGSL); booleans as 0 and 1. */
  readonly constants?: Readonly<Record<string, number>>;
  readonly uniforms: Uniforms;
  readonly bindings: readonly Binding<Operand>[];
  /** Workgroup counts; each at most 65,535 (see `spread`). */
  readonly workgroups: readonly [number, number, number];
  /** Where the device decides how the work is cut. */
  readonly cut?: Cut;
  /** Multiply-adds times two plus other arithmetic, and bytes moved at least once: for rooflines. */
  readonly cost: { readonly flops: number; readonly bytes: number };
}

/**
 * Spreads `count` workgroups over x and y where x alone would pass the limit of 65,535 a dimension. The kernel recovers
 * its index as `workgroup_id.y * num_workgroups.x + workgroup_id.x` and returns when it is past the end.
 */
export function spread(count: number): [number, number, number] {
  if (count <= 65535) return [count, 1, 1];
  const y = Math.ceil(count / 65535);
  return [Math.ceil(count / y), y, 1];
}
