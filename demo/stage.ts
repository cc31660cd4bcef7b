// The image and what is drawn over it. The image itself is never touched: the overlay is a canvas of its own, drawn at the screen's
// resolution so that contours and numbers stay crisp at any size.

import { type Lesion, maskImageBitmap, type Segmentation } from '../runtime/index.js';

/** Okabe and Ito's sky blue: told from mucosa by every kind of colour vision. */
const COLOUR = [86, 180, 233] as const;
const BADGE = 10;
/** Side of the square that a lesion must fill on the screen to carry its number all the time; smaller ones are in the list. */
const SPECK = 8;

export class Stage {
  readonly #root: HTMLElement;
  readonly #picture: HTMLImageElement;
  readonly #canvas: HTMLCanvasElement;
  #result: Segmentation | undefined;
  #mask: ImageBitmap | undefined;
  #opacity = 0.35;
  #hidden = false;
  #marked = -1;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#picture = root.querySelector('img')!;
    this.#canvas = root.querySelector('canvas')!;
    new ResizeObserver(() => this.#draw()).observe(this.#picture);
  }

  /** Shows an image and drops the mask of the last one at once: an old mask must never lie over a new image. */
  async show(file: Blob, name: string): Promise<void> {
    this.clear();
    const old = this.#picture.src;
    this.#picture.src = URL.createObjectURL(file);
    if (old) URL.revokeObjectURL(old);
    this.#picture.alt = name;
    this.#root.classList.add('loaded');
    this.#picture.hidden = false;
    await this.#picture.decode();
  }

  async mark(result: Segmentation): Promise<void> {
    const mask = await maskImageBitmap(result, { colour: COLOUR, opacity: 1 });
    this.clear();
    this.#mask = mask;
    this.#result = result;
    this.#draw();
  }

  clear(): void {
    this.#mask?.close();
    this.#mask = undefined;
    this.#result = undefined;
    this.#marked = -1;
    this.#draw();
  }

  set opacity(value: number) {
    this.#opacity = value;
    this.#draw();
  }

  set hidden(value: boolean) {
    this.#hidden = value;
    this.#draw();
  }

  /** Emphasises one lesion; -1 for none. */
  set marked(index: number) {
    this.#marked = index;
    this.#draw();
  }

  #draw(): void {
    const { clientWidth, clientHeight } = this.#picture;
    const density = window.devicePixelRatio;
    this.#canvas.width = Math.round(clientWidth * density);
    this.#canvas.height = Math.round(clientHeight * density);
    const context = this.#canvas.getContext('2d');
    if (!context || !this.#result || !this.#mask || this.#hidden || clientWidth === 0) return;
    // Where `object-fit: contain` puts the picture within its box.
    const scale = Math.min(clientWidth / this.#result.width, clientHeight / this.#result.height);
    const [width, height] = [scale * this.#result.width, scale * this.#result.height];
    context.scale(density, density);
    context.translate((clientWidth - width) / 2, (clientHeight - height) / 2);
    context.globalAlpha = this.#opacity;
    context.drawImage(this.#mask, 0, 0, width, height);
    context.globalAlpha = 1;
    const { lesions } = this.#result;
    for (const [index, lesion] of lesions.entries()) drawContour(context, lesion, scale, index === this.#marked);
    // Numbers last: no contour may cross one.
    for (const [index, lesion] of lesions.entries()) {
      if (index === this.#marked || Math.sqrt(lesion.area) * scale >= SPECK)
        drawNumber(context, lesion, index, scale, width);
    }
  }
}

function drawContour(context: CanvasRenderingContext2D, { contour }: Lesion, scale: number, marked: boolean): void {
  const path = new Path2D();
  for (let at = 0; at < contour.length; at += 2) {
    path.lineTo((contour[at]! + 0.5) * scale, (contour[at + 1]! + 0.5) * scale);
  }
  path.closePath();
  context.lineJoin = 'round';
  // A dark line under the bright one keeps it visible over glare.
  const width = marked ? 3.5 : 2;
  for (const [lineWidth, strokeStyle] of [
    [width + 2, 'rgb(0 0 0 / 0.6)'],
    [width, `rgb(${COLOUR.join(' ')})`],
  ] as const) {
    context.lineWidth = lineWidth;
    context.strokeStyle = strokeStyle;
    context.stroke(path);
  }
}

function drawNumber(
  context: CanvasRenderingContext2D,
  { contour }: Lesion,
  index: number,
  scale: number,
  width: number,
): void {
  // On the topmost point of the contour, moved into the picture where it would be cut off.
  let top = 0;
  for (let at = 2; at < contour.length; at += 2) if (contour[at + 1]! < contour[top + 1]!) top = at;
  const x = Math.min(Math.max(contour[top]! * scale, BADGE + 2), width - BADGE - 2);
  const y = Math.max(contour[top + 1]! * scale, BADGE + 2);
  context.beginPath();
  context.arc(x, y, BADGE, 0, 2 * Math.PI);
  context.fillStyle = '#0b0d0f';
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = `rgb(${COLOUR.join(' ')})`;
  context.stroke();
  context.fillStyle = '#fff';
  context.font = '600 12px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(String(index + 1), x, y + 0.5);
}
