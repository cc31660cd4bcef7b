// The sizes of a network, read off a checkpoint's tensors.

import { TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import type { Convention } from './names.js';
import { describe, type Part } from './parts.js';

/** Fields of config.json that the tensors decide. */
export type Sizes = Readonly<Record<string, number | readonly number[]>>;

/** As many as config.json may say. */
const MOST_LAYERS = 64;

/** Reads shapes of a part by the network's names. */
class Shapes {
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  has(ours: string): boolean {
    return this.#part.names.has(this.#theirs(ours));
  }

  /** Dimension `axis` of a parameter. @throws TmcaError MODEL_INCOMPLETE, MODEL_MISMATCH */
  dim(ours: string, axis: number, rank: number): number {
    const theirs = this.#theirs(ours);
    const name = this.#part.names.get(theirs);
    if (name === undefined)
      throw new TmcaError(
        'MODEL_INCOMPLETE',
        `import: ${describe(this.#part)}: all parameters must be there, got no ${show(this.#part.prefix + theirs)}; use a complete checkpoint`,
      );
    const { shape } = this.#part.checkpoint.tensors.get(name)!;
    if (shape.length === rank && shape[axis]! > 0) return shape[axis]!;
    throw new TmcaError(
      'MODEL_MISMATCH',
      `import: ${describe(this.#part)}: tensor ${show(name)} must have ${rank} dimensions, got ${show(shape)}; give a ConvNeXt or BERT checkpoint`,
    );
  }

  /** One more than the last of `ours(0)`, `ours(1)`, … that is there: one missing before it is missing, not the end. */
  count(ours: (index: number) => string): number {
    const there = Array.from({ length: MOST_LAYERS }, (_, index) => index).filter(index => this.has(ours(index)));
    return (there.at(-1) ?? -1) + 1;
  }

  #theirs(ours: string): string {
    return (this.#part.convention as Convention | null)?.theirs(ours) ?? ours;
  }
}

const STAGES = [0, 1, 2, 3];

/** @throws TmcaError MODEL_INCOMPLETE, MODEL_MISMATCH, naming the tensor */
export function sizesOf(part: Part): Sizes {
  return READERS[part.part](new Shapes(part), part);
}

const READERS: Readonly<Record<Part['part'], (shapes: Shapes, part: Part) => Sizes>> = {
  image(shapes, part) {
    const dims = STAGES.map(s =>
      s === 0
        ? shapes.dim('embeddings.patch_embeddings.weight', 0, 4)
        : shapes.dim(`encoder.stages.${s}.downsampling_layer.1.weight`, 0, 4),
    );
    const depths = STAGES.map(s => shapes.count(b => `encoder.stages.${s}.layers.${b}.dwconv.weight`));
    const empty = depths.indexOf(0);
    if (empty >= 0)
      throw new TmcaError(
        'MODEL_INCOMPLETE',
        `import: ${describe(part)}: every stage must have blocks, got none in stage ${empty}; give a ConvNeXt checkpoint`,
      );
    return { dims, depths };
  },
  text(shapes) {
    const word = 'embeddings.word_embeddings.weight';
    const layers = shapes.count(i => `encoder.layer.${i}.attention.self.query.weight`);
    return {
      vocab_size: shapes.dim(word, 0, 2),
      text_dim: shapes.dim(word, 1, 2),
      max_positions: shapes.dim('embeddings.position_embeddings.weight', 0, 2),
      text_layers: layers,
      text_ffn: shapes.dim('encoder.layer.0.intermediate.dense.weight', 0, 2),
    };
  },
  decoder(shapes) {
    return { head_channels: shapes.dim('head.out.weight', 1, 4) };
  },
};
