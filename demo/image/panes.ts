// The panes of the stage: the mask of the sentence, beside it that of a second sentence, and what a person has drawn. They share zoom,
// pan and style.

import { element, write } from '../dom.js';
import { onKey } from '../settings.js';
import { TRUTH } from './draw.js';
import { type Paint, Pane, type Style } from './pane.js';
import { isStale, type Picture, SLOTS, type Slot } from './record.js';
import { Viewport } from './viewport.js';

export class Panes {
  readonly #viewport = new Viewport(view => {
    for (const pane of this.#all) pane.view = view;
    write(element('zoom'), `${Math.round(100 * view.scale)} %`);
  });
  readonly #panes: Record<Slot | 'truth', Pane> = {
    a: new Pane(this.#viewport, 'pane-a'),
    b: new Pane(this.#viewport, 'pane-b'),
    truth: new Pane(this.#viewport, 'pane-truth'),
  };
  #style: Style = { paint: 'fill', opacity: 0.35, hidden: false };

  constructor(isActive: () => boolean) {
    element('panes').append(...this.#all.map(pane => pane.root));
    for (const pane of this.#all) pane.root.hidden = true;
    this.#listen(isActive);
  }

  get #all(): Pane[] {
    return Object.values(this.#panes);
  }

  mark(slot: Slot, index: number): void {
    this.#panes[slot].marked = index;
  }

  /** Shows a picture with its masks. A hidden overlay comes back with a new picture: nobody takes it for one without a lesion. */
  async show(picture: Picture, compared: boolean, isNew: boolean): Promise<void> {
    if (isNew) {
      this.#viewport.fit();
      this.showOverlay(true);
    }
    element('drop').hidden = true;
    const { truth } = picture;
    const visible = { a: true, b: compared, truth: truth !== undefined };
    const loading = [];
    for (const [name, pane] of Object.entries(this.#panes)) {
      pane.root.hidden = !visible[name as 'a'];
      if (visible[name as 'a']) loading.push(pane.show(picture.url, picture.name));
    }
    element('panes').dataset.count = String(Object.values(visible).filter(Boolean).length);
    const size = picture.shown.a && ` · ${picture.shown.a.result.width} × ${picture.shown.a.result.height}`;
    this.#panes.a.caption = `${compared ? 'A · ' : ''}${picture.name}${size ?? ''}`;
    this.#panes.b.caption = 'B';
    this.#panes.truth.caption = `Ground truth · ${truth?.name}`;
    for (const slot of SLOTS) {
      const run = picture.shown[slot];
      this.#panes[slot].layer = run && { ...run.result, stale: isStale(picture, slot), heat: run.result };
    }
    this.#panes.truth.layer = truth && { ...truth, colour: TRUTH };
    element<HTMLButtonElement>('hide').disabled = false;
    await Promise.all(loading);
  }

  showOverlay(shown: boolean): void {
    element<HTMLButtonElement>('hide').ariaPressed = String(!shown);
    this.#restyle({ hidden: !shown });
  }

  #restyle(change: Partial<Style>): void {
    this.#style = { ...this.#style, ...change };
    for (const pane of this.#all) pane.style = this.#style;
  }

  #listen(isActive: () => boolean): void {
    const hide = element<HTMLButtonElement>('hide');
    const toggle = () => {
      if (!hide.disabled) this.showOverlay(this.#style.hidden);
    };
    hide.addEventListener('click', toggle);
    const [closer, wider, fit] = [
      () => this.#viewport.zoom(1.5),
      () => this.#viewport.zoom(1 / 1.5),
      () => this.#viewport.fit(),
    ];
    element('zoom-in').addEventListener('click', closer);
    element('zoom-out').addEventListener('click', wider);
    element('fit').addEventListener('click', fit);
    onKey(isActive, { h: toggle, '+': closer, '=': closer, '-': wider, '0': fit });
    element('paint').addEventListener('change', event => {
      const paint = (event.target as HTMLInputElement).value as Paint;
      this.#restyle({ paint, hidden: false });
      hide.ariaPressed = 'false';
    });
    const opacity = element<HTMLInputElement>('opacity');
    opacity.addEventListener('input', () => {
      write(element('opacity-value'), `${opacity.value} %`);
      this.#restyle({ opacity: opacity.valueAsNumber / 100 });
    });
  }
}
