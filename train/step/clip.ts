// The norm of all gradients together, and clipping by it: as torch.nn.utils.clip_grad_norm_, on the device.

import { CommandPlan } from '../../gpu/commands.js';
import type { GpuDevice } from '../../gpu/device.js';
import { scaleBy } from '../../gpu/kernels/optimiser/scale-by.js';
import { sumOfSquares, sumOfSquaresPartial } from '../../gpu/kernels/optimiser/sum-of-squares.js';
import type { PipelineCache } from '../../gpu/pipelines.js';
import type { ParameterArena } from '../parameters/parameter-arena.js';

/** Bytes from one sum to the next: a binding may begin there on any device. The gaps hold zeros, so they may be added too. */
const STRIDE = 256;

/** Sums of squares of an arena's gradients, one for each piece, and what clips by their sum. */
export class GradientNorm {
  private constructor(
    private readonly gpu: GpuDevice,
    private readonly measuring: CommandPlan,
    private readonly clipping: CommandPlan | null,
    private readonly owned: readonly GPUBuffer[],
    /** Where the sums lie, between zeros; the norm is the root of their total. */
    readonly squares: { readonly buffer: GPUBuffer; readonly offset: number; readonly size: number },
  ) {}

  /**
   * @param maxNorm norm to which longer gradients are brought; 0: none
   *
   * Errors: GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST, DISPOSED.
   */
  static async create(pipelines: PipelineCache, arena: ParameterArena, maxNorm: number): Promise<GradientNorm> {
    const { gpu } = pipelines;
    const pieces = arena.pieces('gradients');
    const owned: GPUBuffer[] = [];
    const make = async (label: string, size: number) => {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
      owned.push(await gpu.createBuffer({ label, size, usage, kind: 'other' }));
      return { buffer: owned.at(-1)!, offset: 0, size };
    };
    let measuring: CommandPlan | undefined;
    try {
      const counts = pieces.map(({ size }) => size / 4);
      const parts = (STRIDE / 4) * (pieces.length - 1) + 1;
      const squares = await make('squares', parts * 4);
      const partial = await make(
        'partial squares',
        Math.max(...counts.map(count => sumOfSquaresPartial({ count }))) * 4,
      );
      const measure = pieces.flatMap((x, i) => {
        const out = { ...squares, offset: i * STRIDE, size: 4 };
        return sumOfSquares({ count: counts[i]! }, { x, partial, out });
      });
      measuring = await CommandPlan.create(pipelines, 'gradient norm', measure);
      const clip = () => pieces.map((x, i) => scaleBy({ count: counts[i]!, maxNorm, parts }, { x, squares }));
      const clipping = maxNorm > 0 ? await CommandPlan.create(pipelines, 'clip', clip()) : null;
      return new GradientNorm(gpu, measuring, clipping, owned, squares);
    } catch (error) {
      measuring?.dispose();
      for (const buffer of owned) gpu.destroyBuffer(buffer);
      throw error;
    }
  }

  measure(encoder: GPUCommandEncoder): void {
    this.measuring.encode(encoder);
  }

  get commands(): readonly CommandPlan[] {
    return this.clipping ? [this.measuring, this.clipping] : [this.measuring];
  }

  /** After `measure`. */
  clip(encoder: GPUCommandEncoder): void {
    this.clipping?.encode(encoder);
  }

  dispose(): void {
    this.measuring.dispose();
    this.clipping?.dispose();
    for (const buffer of this.owned) this.gpu.destroyBuffer(buffer);
  }
}
