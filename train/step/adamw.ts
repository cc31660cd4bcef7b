// AdamW over the parameter arena, as torch.optim.AdamW: decoupled weight decay, bias-corrected moments. One dispatch a
// step (one for each piece where there are several learning rates, or an arena is larger than a binding may be).

import { check } from '../../errors/index.js';
import { CommandPlan } from '../../gpu/commands.js';
import { adamwUniforms, adamw as kernel } from '../../gpu/kernels/optimiser/adamw.js';
import type { PipelineCache } from '../../gpu/pipelines.js';
import type { ParameterArena, Piece } from '../parameters/parameter-arena.js';

export interface AdamWOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly eps?: number;
  readonly weightDecay?: number;
}

/** torch.optim.AdamW's. */
const DEFAULTS = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 };

export class AdamW {
  private constructor(
    readonly commands: CommandPlan,
    private readonly pieces: readonly Piece[],
    private readonly settings: Required<AdamWOptions>,
  ) {}

  static async create(pipelines: PipelineCache, arena: ParameterArena, options: AdamWOptions = {}): Promise<AdamW> {
    const settings = { ...DEFAULTS, ...options };
    const [parameters, gradients, m, v] = (['parameters', 'gradients', 'moment1', 'moment2'] as const).map(kind =>
      arena.pieces(kind),
    );
    const calls = parameters!.map((piece, i) =>
      kernel(
        { count: piece.size / 4, ...settings, lr: 0, step: 1 },
        { parameters: piece, gradients: gradients![i]!, m: m![i]!, v: v![i]! },
      ),
    );
    return new AdamW(await CommandPlan.create(pipelines, 'adamw', calls), parameters!, settings);
  }

  /**
   * Encodes one step on the gradients as they are.
   * @param lr the schedule's; each parameter's own is relative to it
   * @param step from 1: the exponent of the bias corrections
   * @throws TmcaError BAD_ARGUMENT
   */
  encode(encoder: GPUCommandEncoder, lr: number, step: number): void {
    check(
      Number.isFinite(lr) && lr >= 0 && Number.isInteger(step) && step >= 1,
      'BAD_ARGUMENT',
      `AdamW.encode: lr must be a number of at least 0 and step one of at least 1, got ${lr} and ${step}`,
    );
    for (const [i, { size, lrScale }] of this.pieces.entries()) {
      const dims = { count: size / 4, ...this.settings, lr: lr * lrScale, step };
      this.commands.setUniforms(i, adamwUniforms(dims));
    }
    this.commands.encode(encoder);
  }

  dispose(): void {
    this.commands.dispose();
  }
}
