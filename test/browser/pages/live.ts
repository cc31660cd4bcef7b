// What the tests of streams find on the page: pictures with a red part where the fake session sees a lesion, sources of them, and
// ways to look at an overlay.

import type { LiveEvent, Segmenter } from '../../../runtime/index.js';

/** One of the 8 x 8 parts that the fake session looks at: x, y, width, height. */
export type Cells = readonly [number, number, number, number];

const livePage = {
  /** Draws a picture: red cells on blue, or one colour all over. */
  draw(canvas: HTMLCanvasElement | OffscreenCanvas, cells: Cells | null, ground = '#00f'): void {
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    const [x, y] = [canvas.width / 8, canvas.height / 8];
    context.fillStyle = ground;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (ground !== '#00f') return;
    context.fillStyle = '#040';
    context.fillRect(0, 0, canvas.width, y);
    if (!cells) return;
    context.fillStyle = '#f00';
    context.fillRect(cells[0] * x, cells[1] * y, cells[2] * x, cells[3] * y);
  },

  frame(timestamp: number, cells: Cells | null, width = 160, height = 120, ground = '#00f'): VideoFrame {
    const canvas = new OffscreenCanvas(width, height);
    livePage.draw(canvas, cells, ground);
    return new VideoFrame(canvas, { timestamp });
  },

  /** A stream of frames that the test pushes; all frames that were pushed are kept, to see that they are closed. */
  frames() {
    let controller!: ReadableStreamDefaultController<VideoFrame>;
    const source = new ReadableStream<VideoFrame>({
      start(given) {
        controller = given;
      },
    });
    const made: VideoFrame[] = [];
    return {
      source,
      made,
      give(frame: VideoFrame) {
        made.push(frame);
        controller.enqueue(frame);
      },
      push(...given: Parameters<typeof livePage.frame>) {
        this.give(livePage.frame(...given));
      },
      close: () => controller.close(),
      open: () => made.filter(frame => frame.codedWidth > 0).length,
    };
  },

  /** A canvas that is painted at every display frame, as a camera would be, and its track. */
  camera(cells: Cells | null, width = 160, height = 120) {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const state: { cells: Cells | null; ground: string; running: boolean } = { cells, ground: '#00f', running: true };
    const paint = () => {
      livePage.draw(canvas, state.cells, state.ground);
      if (state.running) requestAnimationFrame(paint);
    };
    paint();
    const stream = canvas.captureStream(30);
    return { canvas, state, stream, track: stream.getVideoTracks()[0]! };
  },

  /** A file of two seconds in which the red part stands at the left, and then at the right. */
  async file(): Promise<string> {
    const { state, stream, track } = live.camera([0, 2, 3, 4]);
    const recorder = new MediaRecorder(stream, { mimeType: 'video/webm;codecs=vp8', videoBitsPerSecond: 4e6 });
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => void parts.push(data);
    const stopped = new Promise(resolve => {
      recorder.onstop = resolve;
    });
    recorder.start();
    await new Promise(resolve => setTimeout(resolve, 1000));
    state.cells = [5, 2, 3, 4];
    await new Promise(resolve => setTimeout(resolve, 1000));
    recorder.stop();
    await stopped;
    state.running = false;
    track.stop();
    return URL.createObjectURL(new Blob(parts, { type: 'video/webm' }));
  },

  /** A video element that plays a camera. */
  async video(stream: MediaStream, style = ''): Promise<HTMLVideoElement> {
    const video = document.createElement('video');
    video.muted = true;
    video.style.cssText = style;
    video.srcObject = stream;
    document.getElementById('room')!.append(video);
    await video.play();
    return video;
  },

  overlay(): HTMLCanvasElement {
    const canvas = document.createElement('canvas');
    document.getElementById('room')!.append(canvas);
    return canvas;
  },

  /** The box of what an overlay shows, in parts of 8 x 8; null where it shows nothing. */
  seen(canvas: HTMLCanvasElement): Cells | null {
    if (getComputedStyle(canvas).visibility === 'hidden') return null;
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext('2d')!;
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, width, height);
    let [left, top, right, bottom] = [width, height, -1, -1];
    for (let i = 3, pixel = 0; i < data.length; i += 4, pixel++) {
      if (data[i]! < 64) continue;
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
    }
    const part = (value: number, of: number) => Math.round((value * 8) / of);
    return right < 0
      ? null
      : [part(left, width), part(top, height), part(right + 1 - left, width), part(bottom + 1 - top, height)];
  },

  /** Waits until it is so, and returns what `look` then gives. */
  async until<T>(look: () => T | Promise<T>, is: (value: T) => boolean = Boolean): Promise<T> {
    for (;;) {
      const value = await look();
      if (is(value)) return value;
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  },

  same: (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b),

  log(): { events: LiveEvent[]; onState: (event: LiveEvent) => void; states: () => string[] } {
    const events: LiveEvent[] = [];
    return { events, onState: event => void events.push(event), states: () => events.map(({ state }) => state) };
  },

  /** Empties the page. */
  clear(): void {
    document.getElementById('room')!.replaceChildren();
  },

  segmenter: undefined as Segmenter | undefined,
};

declare global {
  /** What `page.evaluate` calls. */
  var live: typeof livePage;
}
globalThis.live = livePage;
