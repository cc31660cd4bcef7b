// TensorFlow.js's WebGPU backend as a peer that trains: the same network (tfjs-network.ts), its own gradients, AdamW as its Adam with
// the decay before it.

import { check } from '../../errors/index.js';
import { processCpu } from '../process-cpu.js';
import { STEP, type TrainingWork, type TrainRunner } from '../training.js';
import { TfjsNetwork } from './tfjs-network.js';
import type { Tf, TfOptimizer, TfTensor } from './tfjs-types.js';

export interface TfjsOptions {
  /** With the backend `webgpu` registered. */
  readonly tf: Tf;
  readonly work: TrainingWork;
}

interface Opened {
  readonly network: TfjsNetwork;
  readonly optimizer: TfOptimizer;
}

/** torch.optim.AdamW's. */
const ADAM = { beta1: 0.9, beta2: 0.999, eps: 1e-8 } as const;
/** clip_grad_norm_'s. */
const CLIP_EPS = 1e-6;

export class TfjsTraining implements TrainRunner {
  readonly name = 'tfjs webgpu';
  readonly version: string;
  readonly #options: TfjsOptions;
  #opened: Opened | undefined;

  constructor(options: TfjsOptions) {
    this.#options = options;
    this.version = options.tf.version_core;
  }

  async open(): Promise<void> {
    const { tf, work } = this.#options;
    check(
      await tf.setBackend('webgpu'),
      'ENGINE_UNAVAILABLE',
      'TfjsTraining.open: the backend webgpu must start, got a failure; see tmca devices',
    );
    await tf.ready();
    const network = TfjsNetwork.create(tf, work.config, work.batch, work.parameters, work.images, work.length);
    this.#opened = { network, optimizer: tf.train.adam(STEP.lr, ADAM.beta1, ADAM.beta2, ADAM.eps) };
  }

  async step(): Promise<number> {
    const { tf } = this.#options;
    const loss = tf.tidy(() => tf.keep(this.#step()));
    // the read is behind all that the step has asked for
    const [value] = await loss.data();
    loss.dispose();
    return value!;
  }

  async cpu(): Promise<number> {
    return processCpu();
  }

  async dispose(): Promise<void> {
    this.#opened?.optimizer.dispose();
    this.#opened?.network.dispose();
    this.#opened = undefined;
  }

  #step(): TfTensor {
    const { tf } = this.#options;
    const { network, optimizer } = this.#open;
    const variables = [...network.variables.values()];
    const statistics = new Map<string, TfTensor>();
    const { value, grads } = tf.variableGrads(() => network.loss(statistics), variables);
    const squares = Object.values(grads).map(gradient => tf.sum(tf.square(gradient)));
    const norm = tf.sqrt(tf.sum(tf.stack(squares)));
    const factor = tf.minimum(tf.div(STEP.clip, tf.add(norm, CLIP_EPS)), 1);
    const clipped = Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, tf.mul(g, factor)]));
    // decoupled: the parameter shrinks before Adam moves it
    for (const variable of variables) variable.assign(tf.mul(variable, 1 - STEP.lr * STEP.weightDecay));
    optimizer.applyGradients(clipped);
    network.keepStatistics(statistics);
    return value;
  }

  get #open(): Opened {
    check(this.#opened, 'INTERNAL', 'TfjsTraining: the network must be open, got none; call open first');
    return this.#opened;
  }
}
