// The worker that trains: the page stays free, and a step that takes long stops nothing but the next one.

import { expose, transfer } from 'comlink';
import { carryErrors } from '../../runtime/browser/worker/errors.js';
import { Trainer } from '../../train/index.js';

export interface TrainRequest {
  /** Absolute. */
  readonly model: string;
  readonly steps: number;
  readonly batch: number;
  readonly lr: number;
  readonly examples: readonly { readonly image: Blob; readonly mask: Blob; readonly text: string }[];
}

export interface TrainStep {
  readonly step: number;
  readonly loss: number;
}

let stopped = false;

const work = {
  /** Trains until all steps are done or `stop` is called, and gives the weights as a model.safetensors. */
  async train(
    { model, steps, batch, lr, examples }: TrainRequest,
    onStep: (step: TrainStep) => void,
  ): Promise<Uint8Array> {
    stopped = false;
    const settings = { batch, lr, freeze: ['text_encoder'] };
    const trainer = await Trainer.create({ model, settings, device: 'webgpu' });
    try {
      for (let step = 0; step < steps && !stopped; step++) {
        const chosen = batchOf(step, batch, examples.length).map(at => examples[at]!);
        const rate = lr * (0.5 + 0.5 * Math.cos((Math.PI * step) / steps)); // to zero, as a cosine
        const { loss } = await trainer.step(await Promise.all(chosen.map(decoded)), { lr: rate });
        onStep({ step: step + 1, loss });
      }
      const weights = await trainer.weights();
      return transfer(weights, [weights.buffer as ArrayBuffer]);
    } finally {
      trainer.dispose();
    }
  },
  /** After the step under way. */
  stop(): void {
    stopped = true;
  },
};

export type TrainWork = typeof work;

/** Which examples a step takes: all of them in turn, in another order each time round. */
function batchOf(step: number, batch: number, count: number): number[] {
  return Array.from({ length: batch }, (_, at) => {
    const drawn = step * batch + at;
    return order(Math.floor(drawn / count), count)[drawn % count]!;
  });
}

/** The same order for the same round. */
function order(round: number, count: number): number[] {
  const numbers = Array.from({ length: count }, (_, at) => at);
  let state = (round + 1) * 0x9e3779b9;
  for (let at = count - 1; at > 0; at--) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x7f4a7c15) >>> 0;
    const other = state % (at + 1);
    [numbers[at], numbers[other]] = [numbers[other]!, numbers[at]!];
  }
  return numbers;
}

async function decoded({ image, mask, text }: TrainRequest['examples'][number]) {
  return { image: await pixels(image), mask: await pixels(mask), text };
}

async function pixels(file: Blob): Promise<ImageData> {
  const bitmap = await createImageBitmap(file);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height);
}

carryErrors();
expose(work);
