// The runs of this visit, newest first. Choosing one brings back its picture, its sentence and its mask together.

import { element, node, write } from '../dom.js';
import type { Run } from './record.js';

/** Bytes of masks that are kept; the oldest runs go first. */
const ROOM = 256 * 2 ** 20;

export class History {
  readonly #runs: Run[] = [];
  readonly #onPick: (run: Run) => void;

  constructor(onPick: (run: Run) => void) {
    this.#onPick = onPick;
  }

  add(run: Run): void {
    this.#runs.unshift(run);
    let bytes = 0;
    const kept = this.#runs.findIndex((one, at) => {
      bytes += one.result.mask.length;
      return at > 0 && bytes > ROOM;
    });
    if (kept > 0) this.#runs.length = kept;
    this.#show();
  }

  #show(): void {
    const root = element<HTMLDetailsElement>('history');
    root.hidden = this.#runs.length === 0;
    write(root.querySelector<HTMLElement>('.badge')!, String(this.#runs.length));
    root.querySelector('ol')!.replaceChildren(
      ...this.#runs.map(run => {
        const item = node('li');
        const pick = Object.assign(node('button', '', 'past') as HTMLButtonElement, { type: 'button' });
        const { lesions } = run.result;
        pick.append(
          node('span', run.sentence ?? 'no sentence'),
          node(
            'span',
            `${run.picture.name} · ${lesions.length || 'no'} lesion${lesions.length === 1 ? '' : 's'} · ${run.date.toLocaleTimeString()}`,
            'fine',
          ),
        );
        pick.addEventListener('click', () => this.#onPick(run));
        item.append(pick);
        return item;
      }),
    );
  }
}
