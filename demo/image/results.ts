// One card of results: the sentence that made the mask, its lesions, Dice against a person's mask, and the export.

import type { Lesion } from '../../runtime/index.js';
import { element, node, percent, plural, sentenceOf, write } from '../dom.js';
import type { ExportKind } from './export.js';
import type { Run, Slot, Truth } from './record.js';

/** Share of the view under which a lesion is a speck: counted in one line, listed behind it. */
const SPECK = 0.001;

export interface ResultEvents {
  /** Tells which lesion the pointer or the focus is on; -1 for none. */
  mark(index: number): void;
  export(kind: ExportKind): void;
}

export class ResultCard {
  readonly root: HTMLElement;

  constructor(slot: Slot, events: ResultEvents) {
    const template = element<HTMLTemplateElement>('result-template');
    this.root = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    this.root.dataset.slot = slot;
    this.root.hidden = true;
    this.#events = events;
    for (const control of this.root.querySelectorAll<HTMLButtonElement>('[data-export]'))
      control.addEventListener('click', () => events.export(control.dataset.export as ExportKind));
  }

  readonly #events: ResultEvents;

  #part<E extends HTMLElement = HTMLElement>(name: string): E {
    return this.root.querySelector<E>(`.${name}`)!;
  }

  /** @param letter of the sentence, where two are compared */
  show(run: Run | undefined, { stale = false, letter = '' } = {}): void {
    this.root.hidden = !run;
    if (!run) return;
    const { lesions, omitted, warnings, width, height } = run.result;
    const pixels = width * height;
    this.root.classList.toggle('stale', stale);
    this.root.ariaLabel = `Result${letter && ` ${letter}`}`;
    this.#part('stale-note').hidden = !stale;
    const slot = this.#part('slot');
    slot.hidden = !letter;
    write(slot, letter);
    write(this.#part('count'), lesions.length === 0 ? 'No lesion' : plural(lesions.length, 'lesion'));
    write(this.#part('told'), told(run));
    const isSpeck = ({ area }: Lesion) => area < SPECK * pixels;
    const rows = lesions.map((lesion, index) => ({ lesion, row: this.#row(lesion, index, pixels) }));
    const [whole, specks] = this.root.querySelectorAll<HTMLElement>('.lesions');
    whole!.replaceChildren(...rows.filter(({ lesion }) => !isSpeck(lesion)).map(({ row }) => row));
    const small = rows.filter(({ lesion }) => isSpeck(lesion));
    specks!.replaceChildren(...small.map(({ row }) => row));
    const fold = this.#part<HTMLDetailsElement>('specks');
    fold.hidden = small.length === 0;
    write(fold.querySelector('summary')!, `and ${plural(small.length, 'speck')} under ${percent(SPECK)} of the view`);
    const none = this.#part('none');
    none.hidden = lesions.length > 0 || omitted.count > 0 || warnings.some(({ code }) => code === 'IMAGE_FLAT');
    write(none, `No pixel reaches the threshold of ${run.settings.threshold.toFixed(2)}.`);
    const left = this.#part('omitted');
    left.hidden = omitted.count === 0;
    write(left, `Left out: ${omitted.count} smaller than ${percent(run.settings.minArea, 2)} of the view.`);
    this.#part('warnings').replaceChildren(...warnings.map(({ message }) => node('p', sentenceOf(message))));
  }

  /** @param dice null where the sizes differ */
  showDice(truth: Truth | undefined, dice: number | null): void {
    const line = this.#part('dice');
    line.hidden = !truth;
    if (!truth) return;
    const says = dice === null ? `has another size (${truth.width} × ${truth.height})` : `Dice ${dice.toFixed(3)}`;
    write(line, dice === null ? `${truth.name} ${says}.` : `${says} against ${truth.name}`);
  }

  #row({ score, area, box }: Lesion, index: number, pixels: number): HTMLElement {
    const [x, y, width, height] = box;
    const item = node('li');
    const row = node('button', '', 'lesion') as HTMLButtonElement;
    row.type = 'button';
    row.append(
      node('span', 'Lesion ', 'visually-hidden'),
      node('span', String(index + 1), 'number'),
      node('strong', `${percent(area / pixels)} of the view`),
      node('span', `mean pixel probability ${score.toFixed(2)}`),
      node('span', `${area.toLocaleString('en')} px in ${width} × ${height} at ${x}, ${y}`, 'fine'),
    );
    for (const event of ['pointerenter', 'focus']) row.addEventListener(event, () => this.#events.mark(index));
    for (const event of ['pointerleave', 'blur']) row.addEventListener(event, () => this.#events.mark(-1));
    item.append(row);
    return item;
  }
}

/** The sentence that made the mask, as it was run. */
function told({ sentence, truncated, info }: Run): string {
  if (sentence === null) return info.model.text === 'none' ? 'This model reads no sentence.' : 'Without a sentence.';
  return `“${sentence}”${truncated ? ' The sentence was too long; its end was not read.' : ''}`;
}
