// Zoom and pan, shared by all panes: what is compared is seen at the same place and size.

export const LARGEST = 16;

/** `scale` 1 fits the picture into its pane; `x` and `y` move it, in shares of the pane. */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

const FIT: View = { scale: 1, x: 0, y: 0 };

export class Viewport {
  #view = FIT;
  readonly #onChange: (view: View) => void;

  constructor(onChange: (view: View) => void) {
    this.#onChange = onChange;
  }

  get view(): View {
    return this.#view;
  }

  fit(): void {
    this.#set(FIT);
  }

  /** Zooms about a point, given in shares of the pane from its middle. */
  zoom(factor: number, atX = 0, atY = 0): void {
    const { scale, x, y } = this.#view;
    const next = Math.min(LARGEST, Math.max(1, scale * factor));
    const ratio = next / scale;
    this.#set({ scale: next, x: atX - (atX - x) * ratio, y: atY - (atY - y) * ratio });
  }

  pan(dx: number, dy: number): void {
    const { scale, x, y } = this.#view;
    this.#set({ scale, x: x + dx, y: y + dy });
  }

  /** The picture's edge stays at or beyond the pane's. */
  #set({ scale, x, y }: View): void {
    const room = (scale - 1) / 2;
    const within = (value: number) => Math.min(room, Math.max(-room, value));
    this.#view = scale === 1 ? FIT : { scale, x: within(x), y: within(y) };
    this.#onChange(this.#view);
  }
}

/** Pointers, wheel and keys on one pane. A wheel zooms with Ctrl or ⌘ held, as pinching a touchpad does, so that the page can be scrolled. */
export function listenToPointers(pane: HTMLElement, viewport: Viewport): void {
  const held = new Map<number, PointerEvent>();
  const share = ({ clientX, clientY }: { clientX: number; clientY: number }) => {
    const box = pane.getBoundingClientRect();
    return [(clientX - box.left) / box.width - 0.5, (clientY - box.top) / box.height - 0.5] as const;
  };
  pane.addEventListener(
    'wheel',
    event => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      viewport.zoom(Math.exp(-event.deltaY / 200), ...share(event));
    },
    { passive: false },
  );
  pane.addEventListener('dblclick', event => {
    if (viewport.view.scale > 1) viewport.fit();
    else viewport.zoom(3, ...share(event));
  });
  pane.addEventListener('pointerdown', event => {
    held.set(event.pointerId, event);
    pane.setPointerCapture(event.pointerId);
  });
  pane.addEventListener('pointermove', event => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const other = [...held.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    held.set(event.pointerId, event);
    const { width, height } = pane.getBoundingClientRect();
    if (!other)
      return viewport.pan((event.clientX - before.clientX) / width, (event.clientY - before.clientY) / height);
    const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    viewport.zoom(distance(event, other) / Math.max(1, distance(before, other)), ...share(middle));
  });
  for (const end of ['pointerup', 'pointercancel'] as const)
    pane.addEventListener(end, ({ pointerId }) => held.delete(pointerId));
  pane.addEventListener('keydown', event => {
    const move = MOVES[event.key];
    if (!move || viewport.view.scale === 1) return;
    event.preventDefault();
    viewport.pan(...move);
  });
}

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [0.1, 0],
  ArrowRight: [-0.1, 0],
  ArrowUp: [0, 0.1],
  ArrowDown: [0, -0.1],
};

const distance = (a: PointerEvent, b: PointerEvent) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
