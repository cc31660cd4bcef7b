// Records video and overlay as they are seen, with the sentence and the notice burnt in. The picture on the screen is not touched:
// this draws copies.

/** What is written under each frame. */
export type Caption = () => string;

const TYPES = ['video/webm;codecs=vp9', 'video/webm;codecs=vp8', 'video/webm', 'video/mp4'];

export class Recorder {
  readonly #canvas = document.createElement('canvas');
  readonly #recorder: MediaRecorder;
  readonly #parts: Blob[] = [];
  #running = true;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly overlay: HTMLCanvasElement,
    private readonly caption: Caption,
  ) {
    this.#draw();
    const mimeType = TYPES.find(type => MediaRecorder.isTypeSupported(type));
    this.#recorder = new MediaRecorder(this.#canvas.captureStream(), mimeType ? { mimeType } : {});
    this.#recorder.addEventListener('dataavailable', ({ data }) => void this.#parts.push(data));
    this.#recorder.start(1000);
    const next = () => {
      if (!this.#running) return;
      this.#draw();
      this.video.requestVideoFrameCallback(next);
    };
    this.video.requestVideoFrameCallback(next);
  }

  /** Resolves to the file, and what its name ends in. */
  async stop(): Promise<[Blob, extension: string]> {
    this.#running = false;
    await new Promise(resolve => {
      this.#recorder.addEventListener('stop', resolve, { once: true });
      this.#recorder.stop();
    });
    const { mimeType } = this.#recorder;
    return [new Blob(this.#parts, { type: mimeType }), mimeType.includes('mp4') ? 'mp4' : 'webm'];
  }

  #draw(): void {
    const { videoWidth: width, videoHeight: height } = this.video;
    const size = Math.max(12, Math.round(height / 36));
    const bar = 2 * size;
    if (this.#canvas.width !== width || this.#canvas.height !== height + bar)
      Object.assign(this.#canvas, { width, height: height + bar });
    const context = this.#canvas.getContext('2d')!;
    context.drawImage(this.video, 0, 0, width, height);
    if (this.overlay.width > 0) context.drawImage(this.overlay, 0, 0, width, height);
    context.fillStyle = '#0b0d0f';
    context.fillRect(0, height, width, bar);
    context.fillStyle = '#d7dde2';
    context.font = `${size}px system-ui, sans-serif`;
    context.textBaseline = 'middle';
    context.fillText(this.caption(), size, height + bar / 2, width - 2 * size);
  }
}
