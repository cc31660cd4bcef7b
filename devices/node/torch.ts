// The PyTorch reference as a peer that trains: a child process that takes a step for every line it gets (devices/peer-packages/torch_step.py).

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { check, TmcaError } from '../../errors/index.js';
import { encodeSafetensors, tensorOf } from '../../formats/safetensors/index.js';
import { configToJson } from '../../networks/config.js';
import { inputOf } from '../../train/step/gradient-pass.js';
import { STEP, type TrainingWork, type TrainRunner } from '../training.js';

/** The network that the reference's tmca.py trains; it has no other. */
export const TORCH_NETWORK = 'tmca';

export interface TorchOptions {
  readonly work: TrainingWork;
  /** Folder that holds tmca.py. */
  readonly reference: string;
  readonly threads: number;
  /** With torch. */
  readonly python: string;
  /** torch_step.py. */
  readonly script: string;
}

interface Ready {
  readonly version: string;
  readonly threads: number;
  readonly parameters: number;
}

export class TorchTraining implements TrainRunner {
  readonly name: string;
  #ready: Ready | undefined;
  #child: ChildProcessWithoutNullStreams | undefined;
  #lines: AsyncIterator<string> | undefined;
  #folder: string | undefined;
  #closed: Promise<unknown> = Promise.resolve();
  #complaint = '';
  #cpu = 0;

  constructor(private readonly options: TorchOptions) {
    const { threads } = options;
    this.name = `PyTorch cpu, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  }

  get version(): string {
    return this.#ready?.version ?? 'unknown';
  }

  /** Parameters that the reference trains. */
  get parameters(): number | null {
    return this.#ready?.parameters ?? null;
  }

  async open(): Promise<void> {
    const { python, script, reference, threads } = this.options;
    this.#folder = await mkdtemp(join(tmpdir(), 'tmca-torch-'));
    await this.#writeWork(this.#folder);
    const settings = { reference, threads, lr: STEP.lr, 'weight-decay': STEP.weightDecay, clip: STEP.clip };
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    const child = spawn(python, [script, this.#folder, ...flags]);
    this.#child = child;
    this.#closed = new Promise(resolve => child.on('close', resolve));
    child.on('error', error => {
      this.#complaint += error.message;
    });
    // a step asked of a child that has died: its end is told by the reading
    child.stdin.on('error', () => undefined);
    child.stderr.on('data', chunk => {
      this.#complaint = `${this.#complaint}${chunk}`.slice(-2000);
    });
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#ready = await this.#answer<Ready>();
  }

  async step(): Promise<number> {
    check(this.#child, 'INTERNAL', 'TorchTraining.step: the child must run, got none; call open first');
    this.#child.stdin.write('step\n');
    const { loss, cpu } = await this.#answer<{ readonly loss: number; readonly cpu: number }>();
    this.#cpu = 1000 * cpu;
    return loss;
  }

  async cpu(): Promise<number> {
    return this.#cpu;
  }

  async dispose(): Promise<void> {
    const [child, folder] = [this.#child, this.#folder];
    this.#child = undefined;
    this.#folder = undefined;
    child?.kill();
    if (folder) await rm(folder, { recursive: true, force: true });
  }

  async #answer<T>(): Promise<T> {
    const { value, done } = await this.#lines!.next();
    if (!done) return JSON.parse(value) as T;
    await this.#closed; // by then it has said why
    const why = this.#complaint.trim().split('\n').at(-1) || 'no reason';
    throw new TmcaError(
      'ENGINE_FAILED',
      `bench: PyTorch must take the step, got "${why}" from ${this.options.python}; see that it has torch, and that --reference holds tmca.py`,
    );
  }

  async #writeWork(folder: string): Promise<void> {
    const { config, parameters, batch, images, length } = this.options.work;
    const size = config.imageSize;
    const tensors = [...parameters].map(([name, { shape, data }]) => tensorOf(name, shape, data));
    const texts = ['ids', 'mask'].flatMap(name => {
      const data = inputOf(batch, name);
      return data ? [tensorOf(name, [images, length], data)] : [];
    });
    const inputs = [
      tensorOf('image', [images, 3, size, size], channelsFirst(batch.image, images, size)),
      ...texts,
      tensorOf('target', [images, 1, size, size], batch.target),
    ];
    await writeFile(join(folder, 'config.json'), JSON.stringify(configToJson(config)));
    await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
    await writeFile(join(folder, 'batch.safetensors'), encodeSafetensors(inputs));
  }
}

/** [B,S,S,3] as [B,3,S,S]. */
function channelsFirst(image: Float32Array, images: number, size: number): Float32Array {
  const plane = size * size;
  return image
    .map((_, i) => {
      const [b, c, at] = [Math.floor(i / (3 * plane)), Math.floor(i / plane) % 3, i % plane];
      return image[(b * plane + at) * 3 + c]!;
    })
    .subarray(0, images * 3 * plane);
}
