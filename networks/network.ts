// One network with its configuration, as the rest of the package asks for it: its parameters, what it reads, and its graph in
// evaluation and in training.

import { builder as b } from '../graph/builder.js';
import { type Outputs, parametersOf, type Shape } from '../graph/graph.js';
import type { Config } from './config.js';
import type { Forward, Inputs, Mode, NetworkDefinition, TextInput } from './definition.js';
import { definitionOf } from './registry.js';

const known = new WeakMap<Config, Network>();

type Definition = NetworkDefinition<{ readonly imageSize: number }>;

export class Network {
  readonly #definition: Definition;
  readonly #forward = new Map<string, Forward>();
  #parameters: ReadonlyMap<string, Shape> | undefined;

  private constructor(readonly config: Config) {
    this.#definition = definitionOf(config.network);
  }

  /**
   * The network of a configuration; the same object for the same configuration.
   *
   * @example
   * const shapes = Network.of(config).parameters;
   */
  static of(config: Config): Network {
    const network = known.get(config) ?? new Network(config);
    known.set(config, network);
    return network;
  }

  get title(): string {
    return this.#definition.title;
  }

  /** How it reads a sentence; null where it takes an image alone. */
  get text(): TextInput | null {
    return this.#definition.text(this.config);
  }

  /** Most tokens of a sentence; 0 where it takes none. */
  get maxTextLength(): number {
    return this.text?.maxLength ?? 0;
  }

  /** Names of its inputs, in the order in which programs have them. */
  get inputs(): readonly (keyof Inputs)[] {
    return this.text ? ['image', 'ids', 'mask'] : ['image'];
  }

  /** Names and shapes of its parameters: what a checkpoint must hold. */
  get parameters(): ReadonlyMap<string, Shape> {
    this.#parameters ??= parametersOf(this.forward(1, 1).named);
    return this.#parameters;
  }

  /** Its input leaves, for a batch of images and sentences of one padded length. */
  leaves(batch: number, length: number): Inputs {
    const size = this.config.imageSize;
    const image = b.input('image', [batch, size, size, 3]);
    if (!this.text) return { image };
    return { image, ids: b.input('ids', [batch, length], 'i32'), mask: b.input('mask', [batch, length], 'i32') };
  }

  /** The network in evaluation. @param length padded tokens of a sentence; no matter where there is none */
  forward(batch: number, length: number): Forward {
    const key = `${batch} ${this.text ? length : ''}`;
    const forward = this.#forward.get(key) ?? this.build(this.leaves(batch, length), 'evaluation');
    this.#forward.set(key, forward);
    return forward;
  }

  /** The logits in evaluation, as the outputs of a graph. */
  logits(batch: number, length: number): Outputs {
    return { logits: this.forward(batch, length).logits };
  }

  build(inputs: Inputs, mode: Mode): Forward {
    return this.#definition.build(this.config, inputs, mode);
  }
}
