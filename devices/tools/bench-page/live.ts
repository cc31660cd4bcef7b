// From a frame of a video to a drawn overlay, in a page: this package's stream, and in turn with it the loop that people write with
// onnxruntime-web (canvas, getImageData, a loop over floats, run, threshold, putImageData). Same page, frames and weights. What the page's
// thread spends is read from outside (devices/tools/bench-page.mjs), between calls of `frames`.

import { loadAssembly } from '../../../assembly/instance.js';
import { Vocabulary } from '../../../assembly/wordpiece.js';
import { openModelFolder, webIo } from '../../../formats/model-folder/index.js';
import type { Config } from '../../../networks/config.js';
import { Network } from '../../../networks/network.js';
import { Segmenter } from '../../../runtime/index.js';
import type { DTypeChoice } from '../../../runtime/types.js';
import { exportedModels, type OrtModule, OrtRunner } from '../../peers/ort.js';

export interface LiveOptions {
  /** Addresses on this page's server. */
  readonly model: string;
  readonly onnx: string;
  readonly pictures: readonly string[];
  readonly text: string;
  readonly dtype: DTypeChoice;
  /** The size of the frames. */
  readonly width: number;
  readonly height: number;
}

/** One way from a frame to an overlay. Closes the frame. */
interface Side {
  run(frame: VideoFrame): Promise<void>;
  /** Which pixels the last overlay has, [size, size]. */
  mask(size: number): boolean[];
  end(): Promise<void>;
}

/** Pixels of a canvas that are not transparent, at another size. */
function seen(canvas: HTMLCanvasElement, size: number): boolean[] {
  const context = new OffscreenCanvas(size, size).getContext('2d')!;
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, size, size);
  const { data } = context.getImageData(0, 0, size, size);
  return Array.from({ length: size * size }, (_, i) => data[4 * i + 3]! > 0);
}

function overlayCanvas(): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  document.body.append(canvas);
  return canvas;
}

async function ourSide({ model, text, dtype }: LiveOptions): Promise<Side & { readonly info: Segmenter['info'] }> {
  const segmenter = await Segmenter.create({ model, device: 'webgpu', dtype });
  const canvas = overlayCanvas();
  let give: (frame: VideoFrame) => void = () => undefined;
  const source = new ReadableStream<VideoFrame>({
    start(controller) {
      give = frame => controller.enqueue(frame);
    },
  });
  // nothing is hidden for its age: a software adapter is slower than any camera
  const paint = { outline: 0 };
  const stream = segmenter.segmentStream(source, text, { overlay: canvas, maxAgeMs: 600_000, minArea: 0, paint });
  return {
    info: segmenter.info,
    async run(frame) {
      give(frame);
      const { done } = await stream.next();
      if (done) throw new Error(`the stream ended: ${stream.reason}`);
    },
    mask: size => seen(canvas, size),
    async end() {
      stream.stop();
      await segmenter.dispose();
    },
  };
}

/** The usual loop; the sentence is encoded once, as ours is. */
async function theirSide(ort: OrtModule, options: LiveOptions, config: Config, ids: Int32Array): Promise<Side> {
  const size = config.imageSize;
  const image = new Float32Array(3 * size * size);
  const inputs = { image, size, ids };
  const models = exportedModels(options.onnx, inputs);
  const runner = new OrtRunner({ ort, name: 'onnxruntime-web webgpu', provider: 'webgpu', models, inputs });
  await runner.open();
  await runner.text();
  const small = new OffscreenCanvas(size, size).getContext('2d', { willReadFrequently: true })!;
  const canvas = Object.assign(overlayCanvas(), { width: size, height: size });
  const overlay = canvas.getContext('2d')!;
  const painted = overlay.createImageData(size, size);
  return {
    async run(frame) {
      small.drawImage(frame, 0, 0, size, size);
      frame.close();
      normalize(small.getImageData(0, 0, size, size).data, image);
      const logits = await runner.frame();
      for (let i = 0; i < size * size; i++)
        painted.data.set(logits[i]! >= 0 ? [86, 180, 233, 89] : [0, 0, 0, 0], 4 * i);
      overlay.putImageData(painted, 0, 0);
    },
    mask: side => seen(canvas, side),
    end: () => runner.dispose(),
  };
}

/** RGBA to [3, size, size], less the mean of its channel and over its deviation. */
function normalize(data: Uint8ClampedArray, out: Float32Array): void {
  const pixels = data.length / 4;
  for (let c = 0; c < 3; c++) {
    let [sum, square] = [0, 0];
    for (let i = 0; i < pixels; i++) {
      const value = data[4 * i + c]!;
      sum += value;
      square += value * value;
    }
    const mean = sum / pixels;
    const scale = 1 / (Math.sqrt(Math.max(square / pixels - mean * mean, 0)) + 1e-6);
    for (let i = 0; i < pixels; i++) out[c * pixels + i] = (data[4 * i + c]! - mean) * scale;
  }
}

/** Opens both sides on frames of this size. What it returns stays on the page. */
export async function openLive(ort: OrtModule, options: LiveOptions) {
  const assembly = await loadAssembly();
  const folder = await openModelFolder(options.model, webIo);
  const { config } = folder;
  if (config.normalize !== 'zscore') throw new Error(`the loop is written for zscore, not for ${config.normalize}`);
  const vocabulary = new Vocabulary(assembly, folder.vocab!);
  const { ids } = vocabulary.encode(options.text, { maxLength: Network.of(config).maxTextLength });
  vocabulary.dispose();
  await folder.close();
  const bitmaps = await Promise.all(options.pictures.map(picture => bitmapOf(picture, options)));
  const ours = await ourSide(options);
  const sides = { ours, theirs: await theirSide(ort, options, config, ids) };
  let timestamp = 0;
  const frame = () => {
    timestamp += 40_000;
    return new VideoFrame(bitmaps[(timestamp / 40_000) % bitmaps.length]!, { timestamp, alpha: 'discard' });
  };
  return {
    info: ours.info,
    /** Milliseconds from frame to overlay, of so many frames of one side. */
    async frames(side: keyof typeof sides, count: number): Promise<number[]> {
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const next = frame();
        const start = performance.now();
        await sides[side].run(next);
        times.push(performance.now() - start);
      }
      return times;
    },
    /** Share of pixels in which both overlays of one picture are alike, and of those that are a lesion in ours. */
    async agreement() {
      const masks: boolean[][] = [];
      for (const side of [sides.ours, sides.theirs]) {
        await side.run(new VideoFrame(bitmaps[0]!, { timestamp: ++timestamp, alpha: 'discard' }));
        await new Promise(requestAnimationFrame); // what a worker has drawn shows with the next picture of the page
        masks.push(side.mask(config.imageSize));
      }
      const [ours, theirs] = masks as [boolean[], boolean[]];
      const share = (which: (x: boolean, i: number) => boolean) => ours.filter(which).length / ours.length;
      return { alike: share((x, i) => x === theirs[i]), lesion: share(x => x) };
    },
    async end(): Promise<void> {
      for (const side of Object.values(sides)) await side.end();
    },
  };
}

async function bitmapOf(address: string, { width, height }: LiveOptions): Promise<ImageBitmap> {
  const blob = await (await fetch(address)).blob();
  return createImageBitmap(blob, { resizeWidth: width, resizeHeight: height, resizeQuality: 'high' });
}
