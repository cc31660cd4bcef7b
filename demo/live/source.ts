// Where live pictures come from: a camera, a screen, a video file. One at a time; the one before is let go.

export type SourceKind = 'camera' | 'screen' | 'file';

export class Source {
  readonly #video: HTMLVideoElement;
  #stream: MediaStream | undefined;
  #address = '';
  readonly #onEnd: (why: string) => void;

  constructor(video: HTMLVideoElement, onEnd: (why: string) => void) {
    this.#video = video;
    this.#onEnd = onEnd;
    video.addEventListener('ended', () => onEnd('The video has ended.'));
  }

  /** Rejects with the browser's error: NotAllowedError, NotFoundError, NotReadableError. */
  async open(kind: SourceKind, file?: File): Promise<void> {
    const stream = await streamOf(kind);
    this.close();
    const video = this.#video;
    if (stream) {
      this.#stream = stream;
      video.srcObject = stream;
      for (const track of stream.getVideoTracks())
        track.addEventListener('ended', () => {
          if (this.#stream === stream) this.#onEnd('The camera or the screen was taken away.');
        });
    } else {
      this.#address = URL.createObjectURL(file!);
      video.src = this.#address;
    }
    video.loop = false;
    video.controls = !stream;
    await video.play();
  }

  close(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
    this.#video.removeAttribute('src');
    this.#video.load();
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = '';
  }
}

async function streamOf(kind: SourceKind): Promise<MediaStream | null> {
  if (kind === 'file') return null;
  const devices = navigator.mediaDevices;
  if (kind === 'screen') return devices.getDisplayMedia({ video: { frameRate: { ideal: 30 } }, audio: false });
  return devices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1080 } }, audio: false });
}
