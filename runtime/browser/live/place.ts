// Keeps a canvas over the picture of a video element: where it lies, how it is fitted and turned, and in full screen.

import { type Box, contentBox, contentOrigin, overlaySize, type Size, type VideoBox } from '../../live/placement.js';

/** Styles that are the video's own, so that the mask is fitted and turned as the picture is. */
const SHARED = ['object-fit', 'object-position', 'transform', 'rotate', 'scale', 'translate', 'border-radius'] as const;

export class Placement {
  readonly #style: string;
  readonly #stop = new AbortController();
  readonly #sizes: ResizeObserver;
  /** It was nowhere in the page. */
  readonly #inserted: boolean;
  #last = '';
  #above = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly canvas: HTMLCanvasElement,
  ) {
    this.#style = canvas.style.cssText;
    const place = () => this.place();
    this.#inserted = !canvas.isConnected;
    if (this.#inserted) video.after(canvas);
    this.#sizes = new ResizeObserver(place);
    this.#sizes.observe(video);
    const { signal } = this.#stop;
    video.addEventListener('resize', place, { signal });
    document.addEventListener('fullscreenchange', place, { signal });
    globalThis.addEventListener('resize', place, { signal });
    globalThis.addEventListener('scroll', place, { signal, capture: true, passive: true });
    this.place();
  }

  /** Pixels of an overlay for a picture of that size. */
  overlaySize(picture: Size): Size {
    const box = contentBox(boxOf(this.video, { left: 0, top: 0 }));
    return overlaySize(box, picture, getComputedStyle(this.video).objectFit, globalThis.devicePixelRatio);
  }

  /** Puts the canvas where the picture is now. */
  place(): void {
    const { canvas, video } = this;
    this.#raise();
    const style = getComputedStyle(video);
    const measured = this.#above ? inWindow(video) : inParent(video, canvas);
    const box = contentBox(measured.box);
    const wanted = {
      ...Object.fromEntries(SHARED.map(name => [name, style.getPropertyValue(name)])),
      ...cssOf(box),
      position: measured.fixed ? 'fixed' : 'absolute',
      'transform-origin': contentOrigin(style.transformOrigin, measured.box.edges),
      'z-index': stacking(video, canvas, style.zIndex),
      ...{ margin: '0', padding: '0', border: '0', 'box-sizing': 'border-box', 'pointer-events': 'none' },
      ...{ 'max-width': 'none', 'max-height': 'none', right: 'auto', bottom: 'auto', background: 'none' },
    };
    // A canvas that does not move is not touched.
    const last = JSON.stringify(wanted);
    if (last === this.#last) return;
    this.#last = last;
    for (const [name, value] of Object.entries(wanted)) canvas.style.setProperty(name, value);
  }

  /** The canvas has its own style again. Its visibility is the overlay's. */
  release(): void {
    this.#stop.abort();
    this.#sizes.disconnect();
    if (this.#above) this.#lower();
    const { visibility } = this.canvas.style;
    this.canvas.style.cssText = this.#style;
    this.canvas.style.visibility = visibility;
    if (this.#inserted) this.canvas.remove();
  }

  /** What is in full screen covers the page: a canvas that is not part of it is raised above it. */
  #raise(): void {
    const full = document.fullscreenElement;
    const covered = full?.contains(this.video) === true && !full.contains(this.canvas);
    if (covered === this.#above || !this.canvas.showPopover) return;
    if (covered) {
      this.#above = true;
      this.canvas.popover = 'manual';
      this.canvas.showPopover();
    } else this.#lower();
  }

  #lower(): void {
    this.#above = false;
    if (this.canvas.isConnected) this.canvas.hidePopover();
    this.canvas.popover = null;
  }
}

interface Measured {
  readonly box: VideoBox;
  readonly fixed: boolean;
}

const cssOf = ({ left, top, width, height }: Box) => ({
  ...{ left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` },
});

/** From the place that both are positioned in. Where they have none in common, from the window, by what is on the screen. */
function inParent(video: HTMLVideoElement, canvas: HTMLCanvasElement): Measured {
  const parent = video.offsetParent;
  if (!parent) return inWindow(video);
  if (canvas.offsetParent === parent || canvas.parentElement === video.parentElement)
    return { box: boxOf(video, { left: video.offsetLeft, top: video.offsetTop }), fixed: false };
  return inWindow(video);
}

function inWindow(video: HTMLVideoElement): Measured {
  return { box: boxOf(video, video.getBoundingClientRect()), fixed: true };
}

function boxOf(video: HTMLVideoElement, { left, top }: { left: number; top: number }): VideoBox {
  const style = getComputedStyle(video);
  const pixels = (name: string) => Number.parseFloat(style.getPropertyValue(name)) || 0;
  const edge = (side: string) => pixels(`border-${side}-width`) + pixels(`padding-${side}`);
  const edges = [edge('top'), edge('right'), edge('bottom'), edge('left')] as const;
  return { left, top, width: video.offsetWidth, height: video.offsetHeight, edges };
}

/** Above the video, and below what the page has above that. */
function stacking(video: HTMLVideoElement, canvas: HTMLCanvasElement, own: string): string {
  const after = video.compareDocumentPosition(canvas) & Node.DOCUMENT_POSITION_FOLLOWING;
  if (after) return own;
  return String((Number.parseInt(own, 10) || 0) + 1);
}
