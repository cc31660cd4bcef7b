// A picture and what is drawn over it. The picture itself is never touched: the overlay is a canvas of its own, drawn at the screen's
// resolution so that contours and numbers stay crisp at any size and zoom.

import type { Lesion, Segmentation } from '../../runtime/index.js';
import { maskImageData } from '../../runtime/index.js';
import { node, write } from '../dom.js';
import { COLOUR, drawLesions, heatMap, type Rgb, STALE } from './draw.js';
import { listenToPointers, type View, type Viewport } from './viewport.js';

export type Paint = 'outline' | 'fill' | 'heat';

/** How all panes are painted. */
export interface Style {
  readonly paint: Paint;
  readonly opacity: number;
  readonly hidden: boolean;
}

/** What one pane shows over its picture. */
export interface Layer {
  readonly mask: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly lesions: readonly Lesion[];
  readonly colour?: Rgb;
  readonly stale?: boolean;
  readonly heat?: Pick<Segmentation, 'probability' | 'size'>;
}

export class Pane {
  readonly root = node('figure', '', 'pane');
  readonly picture = Object.assign(new Image(), { alt: '' });
  readonly #canvas = document.createElement('canvas');
  readonly #caption = node('figcaption');
  readonly #note = node('span', '', 'pane-note');
  #layer: Layer | undefined;
  /** The layer's fill and heat map as pictures, made when they are first drawn. */
  #fill: ImageBitmap | undefined;
  #heat: ImageBitmap | undefined;
  #style: Style = { paint: 'fill', opacity: 0.35, hidden: false };
  #view: View;
  #marked = -1;

  constructor(viewport: Viewport, className: string) {
    this.#view = viewport.view;
    this.root.classList.add(className);
    this.root.tabIndex = 0;
    this.#canvas.ariaHidden = 'true';
    this.#canvas.className = 'overlay';
    this.picture.draggable = false;
    this.root.append(this.picture, this.#canvas, this.#caption, this.#note);
    listenToPointers(this.root, viewport);
    new ResizeObserver(() => this.#draw()).observe(this.root);
  }

  /** Shows an image and drops the mask of the last one at once: an old mask must never lie over a new image. */
  async show(url: string, name: string): Promise<void> {
    if (this.picture.src === url) return;
    this.layer = undefined;
    this.picture.src = url;
    this.picture.alt = name;
    // A file that the browser cannot show is for the engine to refuse, with a code.
    await this.picture.decode().catch(() => {});
    this.#draw();
  }

  set caption(text: string) {
    write(this.#caption, text);
  }

  set layer(layer: Layer | undefined) {
    if (layer?.mask !== this.#layer?.mask) {
      this.#fill?.close();
      this.#heat?.close();
      [this.#fill, this.#heat] = [undefined, undefined];
      this.#marked = -1;
    }
    this.#layer = layer;
    void this.#prepare();
  }

  set style(style: Style) {
    this.#style = style;
    void this.#prepare();
  }

  set view(view: View) {
    this.#view = view;
    this.root.classList.toggle('zoomed', view.scale > 1);
    this.#draw();
  }

  /** Emphasises one lesion; -1 for none. */
  set marked(index: number) {
    this.#marked = index;
    this.#draw();
  }

  /** Makes the picture of the mask that is missing, then draws. */
  async #prepare(): Promise<void> {
    const layer = this.#layer;
    const heat = layer?.heat;
    this.#draw();
    if (!layer) return;
    if (this.#style.paint === 'heat' && heat && !this.#heat) {
      const made = await createImageBitmap(heatMap(heat.probability, heat.size));
      if (this.#layer !== layer) return made.close();
      this.#heat = made;
    } else if (this.#style.paint !== 'outline' && !this.#fill) {
      const made = await createImageBitmap(maskImageData(layer, { colour: [255, 255, 255], opacity: 1 }));
      if (this.#layer?.mask !== layer.mask || this.#fill) return made.close();
      this.#fill = made;
    }
    this.#draw();
  }

  #draw(): void {
    const { clientWidth, clientHeight } = this.root;
    const { scale: zoom, x, y } = this.#view;
    this.picture.style.transform = `translate(${100 * x}%, ${100 * y}%) scale(${zoom})`;
    const density = window.devicePixelRatio;
    this.#canvas.width = Math.round(clientWidth * density);
    this.#canvas.height = Math.round(clientHeight * density);
    const { paint, opacity, hidden } = this.#style;
    const layer = this.#layer;
    const note = !layer ? '' : hidden ? 'Overlay hidden' : layer.stale ? 'Mask of an earlier sentence' : '';
    write(this.#note, note);
    const context = this.#canvas.getContext('2d');
    if (!context || !layer || hidden || clientWidth === 0) return;
    // Where `object-fit: contain` puts the picture within its box.
    const scale = Math.min(clientWidth / layer.width, clientHeight / layer.height) * zoom;
    const [width, height] = [scale * layer.width, scale * layer.height];
    context.scale(density, density);
    context.translate(clientWidth * (0.5 + x) - width / 2, clientHeight * (0.5 + y) - height / 2);
    const colour = layer.stale ? STALE : (layer.colour ?? COLOUR);
    context.globalAlpha = opacity;
    if (paint === 'heat' && layer.heat && this.#heat) {
      context.filter = layer.stale ? 'grayscale(1)' : 'none';
      context.drawImage(this.#heat, 0, 0, width, height);
      context.filter = 'none';
    } else if (paint !== 'outline' && this.#fill) context.drawImage(tinted(this.#fill, colour), 0, 0, width, height);
    context.globalAlpha = 1;
    const pen = textSize() / 15;
    drawLesions(context, layer.lesions, {
      colour,
      scale,
      width,
      pen,
      marked: this.#marked,
      dashed: layer.stale ?? false,
    });
  }
}

/** Lines and numbers grow with the page's text. */
const textSize = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

/** A white mask in a colour. */
function tinted(mask: ImageBitmap, colour: Rgb): OffscreenCanvas {
  const canvas = new OffscreenCanvas(mask.width, mask.height);
  const context = canvas.getContext('2d')!;
  context.drawImage(mask, 0, 0);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = `rgb(${colour.join(' ')})`;
  context.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}
