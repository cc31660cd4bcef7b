// The canvas that shows the newest mask. The page's side of it: the mask is drawn in the worker, and the finished picture is handed to
// the canvas, or not, so that a worker that hangs cannot leave an old one there, and one that dies takes no canvas with it.

import { check } from '../../../errors/index.js';

type Context =
  | { readonly kind: 'bitmap'; readonly context: ImageBitmapRenderingContext }
  | { readonly kind: '2d'; readonly context: CanvasRenderingContext2D };

export class Overlay {
  readonly #context: Context;
  readonly #visibility: string;

  /** Errors: BAD_ARGUMENT, where the canvas has a context of another kind, or was transferred. */
  constructor(
    where: string,
    readonly canvas: HTMLCanvasElement,
  ) {
    this.#context = contextOf(where, canvas);
    this.#visibility = canvas.style.visibility;
    this.hide();
  }

  /** Shows a mask, which is the overlay's from now on; null is one without a lesion. */
  show(mask: ImageBitmap | null): void {
    if (mask) this.#put(mask);
    else this.#clear();
    this.canvas.style.visibility = this.#visibility;
  }

  /** Shows nothing. */
  hide(): void {
    this.canvas.style.visibility = 'hidden';
    this.#clear();
  }

  /** Leaves an empty canvas, as visible as it was. */
  release(): void {
    this.show(null);
  }

  #put(mask: ImageBitmap): void {
    const { canvas } = this;
    if (canvas.width !== mask.width) canvas.width = mask.width;
    if (canvas.height !== mask.height) canvas.height = mask.height;
    if (this.#context.kind === 'bitmap') this.#context.context.transferFromImageBitmap(mask);
    else {
      this.#clear();
      this.#context.context.drawImage(mask, 0, 0);
      mask.close();
    }
  }

  #clear(): void {
    if (this.#context.kind === 'bitmap') this.#context.context.transferFromImageBitmap(null);
    else this.#context.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }
}

function contextOf(where: string, canvas: HTMLCanvasElement): Context {
  const ask = <K extends 'bitmaprenderer' | '2d'>(kind: K) => {
    try {
      return canvas.getContext(kind);
    } catch {
      return null; // transferred
    }
  };
  const bitmap = ask('bitmaprenderer') as ImageBitmapRenderingContext | null;
  if (bitmap) return { kind: 'bitmap', context: bitmap };
  const context = ask('2d') as CanvasRenderingContext2D | null;
  check(
    context,
    'BAD_ARGUMENT',
    `${where}: the overlay's canvas must be new or 2D, got one with another context, or one that was transferred; make another`,
  );
  return { kind: '2d', context };
}
