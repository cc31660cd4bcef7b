// What the browser test of live frames finds on the page: the shipped model on WebGPU, frames of every kind, and a canvas that is drawn into.

import { loadAssembly, Preprocessor, upsampleMask, Vocabulary } from '../../../assembly/index.js';
import { checkedStream, openModelFolder, webIo } from '../../../formats/model-folder/index.js';
import { openDevice } from '../../../gpu/open-device.js';
import { Network } from '../../../networks/network.js';
import { weightsOf } from '../../../runtime/engines/stored-weights.js';
import { WebGpuEngine } from '../../../runtime/engines/webgpu/engine.js';
import type { LiveRunOptions, LiveSource } from '../../../runtime/live/live-engine.js';

/** Kinds of sources, all of one picture: opaque and with alpha from a canvas, planes of a camera, a bitmap. */
export type Kind = 'opaque' | 'alpha' | 'planes' | 'bitmap';
/** Ways from a source to the device that the browser is to refuse. */
export type Refused = 'no external textures' | 'external' | 'copies of frames';

const alone: LiveRunOptions = { share: 1, reset: true };

async function openLive(model: string, text: string) {
  const assembly = await loadAssembly();
  const folder = await openModelFolder(model, webIo);
  const { config } = folder;
  const gpu = await openDevice({ gpu: navigator.gpu, prefer: 'any' });
  const weights = await weightsOf(config, folder.weights.header, checkedStream(folder), 'fp32', gpu);
  const engine = await WebGpuEngine.create({ gpu, assembly, config, ...weights });
  const vocabulary = new Vocabulary(assembly, folder.vocab!);
  await folder.close();
  const { ids } = vocabulary.encode(text, { maxLength: Network.of(config).maxTextLength });
  const report = await engine.encode(ids);
  const { imageSize: size, normalize } = config;
  const preprocessor = new Preprocessor(assembly, { size, normalize, ...engine.input });
  return { assembly, gpu, engine, report, size, preprocessor, live: await engine.live() };
}
type Opened = Awaited<ReturnType<typeof openLive>>;

/** Y, U and V of a picture, as a camera gives them. */
function planes({ data, width, height }: ImageData): VideoFrame {
  const [half, low] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const bytes = new Uint8Array(width * height + 2 * half * low);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [r, g, b] = data.subarray(4 * (y * width + x)) as unknown as [number, number, number];
      const luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      bytes[y * width + x] = 16 + (219 / 255) * luma;
      const at = width * height + (y >> 1) * half + (x >> 1);
      bytes[at] = 128 + ((224 / 255) * (b - luma)) / 1.8556;
      bytes[at + half * low] = 128 + ((224 / 255) * (r - luma)) / 1.5748;
    }
  const colorSpace = { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false } as const;
  return new VideoFrame(bytes, { format: 'I420', codedWidth: width, codedHeight: height, timestamp: 0, colorSpace });
}

async function canvasOf(address: string, width: number, height: number, opacity: number): Promise<OffscreenCanvas> {
  const picture = await createImageBitmap(await (await fetch(address)).blob());
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  context.globalAlpha = opacity;
  context.drawImage(picture, 0, 0, width, height);
  return canvas;
}

async function sourceOf(kind: Kind, address: string, width: number, height: number): Promise<LiveSource> {
  const canvas = await canvasOf(address, width, height, kind === 'alpha' ? 0.5 : 1);
  if (kind === 'opaque') return new VideoFrame(canvas, { timestamp: 0, alpha: 'discard' });
  if (kind === 'alpha') return new VideoFrame(canvas, { timestamp: 0 });
  if (kind === 'bitmap') return createImageBitmap(canvas);
  return planes(canvas.getContext('2d')!.getImageData(0, 0, width, height));
}

/** The pixels of a source as the ordinary path reads them. */
function pixelsOf(source: LiveSource, width: number, height: number): ImageData {
  const context = new OffscreenCanvas(width, height).getContext('2d', { alpha: false, willReadFrequently: true })!;
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function refuse(what: readonly Refused[]): void {
  const refusal = () => {
    throw new TypeError('refused by the test');
  };
  if (what.includes('no external textures')) Reflect.deleteProperty(GPUDevice.prototype, 'importExternalTexture');
  if (what.includes('external')) GPUDevice.prototype.importExternalTexture = refusal;
  if (!what.includes('copies of frames')) return;
  const copy = GPUQueue.prototype.copyExternalImageToTexture;
  GPUQueue.prototype.copyExternalImageToTexture = function (source, ...rest) {
    if (source.source instanceof VideoFrame) refusal();
    return copy.call(this, source, ...rest);
  };
}

/** Counts what the device is asked for. */
function counted(): { external: number; copies: number } {
  const counts = { external: 0, copies: 0 };
  const { importExternalTexture } = GPUDevice.prototype;
  if (importExternalTexture)
    GPUDevice.prototype.importExternalTexture = function (descriptor) {
      counts.external++;
      return importExternalTexture.call(this, descriptor);
    };
  const copy = GPUQueue.prototype.copyExternalImageToTexture;
  GPUQueue.prototype.copyExternalImageToTexture = function (...given) {
    counts.copies++;
    return copy.call(this, ...given);
  };
  return counts;
}

const livePage = {
  opened: undefined as Opened | undefined,
  counts: { external: 0, copies: 0 },

  async open(text: string, refused: readonly Refused[] = []): Promise<void> {
    refuse(refused);
    livePage.counts = counted();
    livePage.opened = await openLive('/models/nano', text);
  },

  /** Logits of both paths, and which ways the frames have taken. */
  async run(kind: Kind, address: string, width: number, height: number) {
    const { engine, report, live, preprocessor } = livePage.opened!;
    const source = await sourceOf(kind, address, width, height);
    const { external, copies } = livePage.counts;
    try {
      const pixels = pixelsOf(source, width, height);
      const ordinary = await engine.run(
        preprocessor.run({ ...pixels, data: pixels.data, width, height, channels: 4 }),
        report,
        undefined,
      );
      const frames = [await live.run(source, report, alone), await live.run(source, report, alone)];
      return {
        ordinary: [...ordinary],
        live: frames.map(({ logits }) => [...logits]),
        deviation: frames[0]!.deviation,
        ways: { external: livePage.counts.external - external, copies: livePage.counts.copies - copies },
      };
    } finally {
      source.close();
    }
  },

  /** A closed source's error. */
  async closed(kind: Kind, address: string): Promise<string> {
    const source = await sourceOf(kind, address, 40, 30);
    source.close();
    const { live, report } = livePage.opened!;
    return live.run(source, report, alone).then(
      () => 'none',
      error => error.code,
    );
  },

  /** Alpha of the drawn canvas and the mask of `segment` at its size; alpha again once it has been cleared. */
  async draw(kind: Kind, address: string, width: number, height: number) {
    const { report, live, size, assembly } = livePage.opened!;
    const source = await sourceOf(kind, address, 320, 240);
    const { logits } = await live.run(source, report, alone);
    source.close();
    const canvas = new OffscreenCanvas(1, 1);
    live.setOverlay(canvas);
    const seen = () => {
      const context = new OffscreenCanvas(width, height).getContext('2d')!;
      context.drawImage(canvas, 0, 0);
      return [...context.getImageData(0, 0, width, height).data];
    };
    const allowed = Uint8Array.from(logits, logit => Number(logit >= 0));
    await live.draw(allowed, width, height, { threshold: 0.5, color: [0.2, 0.6, 1], fill: 0.5, outline: 0 });
    const drawn = seen();
    live.clear();
    const cleared = seen();
    live.setOverlay(null);
    const mask = upsampleMask(assembly, logits, size, width, height, { logits: true });
    return { drawn, cleared, mask: [...mask], size: [canvas.width, canvas.height] };
  },
};

declare global {
  /** What `page.evaluate` calls. */
  var liveGpu: typeof livePage;
}
globalThis.liveGpu = livePage;
