// The view Image: pictures, sentences and masks. A picture, its sentences and its masks are one record (record.ts); this file only
// moves records between the stage, the form and the engine.

import { type DeviceChoice, type DTypeChoice, type SessionInfo, TmcaError } from '../../runtime/index.js';
import { download, duration, element, plural } from '../dom.js';
import type { Engine, EngineOptions } from '../engine.js';
import { listenToFiles, type Named, namedFiles, sortFiles } from '../files.js';
import { beginLoading, showEngine, showError, showState } from '../status.js';
import { type ExportKind, exported } from './export.js';
import { History } from './history.js';
import { Panes } from './panes.js';
import {
  isStale,
  type MaskSettings,
  newPicture,
  type Picture,
  promptOf,
  type Run,
  SLOTS,
  type Slot,
} from './record.js';
import { diceOf, readTruth, remasked } from './remask.js';
import { ResultCard } from './results.js';
import { markSample, showPictures, showSamples } from './samples.js';
import { sentenceBuilder } from './sentence.js';

/** Steps of the slider for the least area, in the whole view. */
const LEAST_STEPS = 2000;

const FIELDS: Record<Slot, string> = { a: 'sentence', b: 'sentence-b' };

export class ImageView {
  readonly #engine: Engine;
  readonly #panes: Panes;
  readonly #pictures: Picture[] = [];
  readonly #history = new History(run => void this.#recall(run));
  readonly #cards: Record<Slot, ResultCard>;
  readonly #builder = sentenceBuilder(element('builder'), text => this.#write('a', text));
  #current: Picture | undefined;
  /** The run under way; a newer one stops it. */
  #running: AbortController | undefined;

  constructor(engine: Engine, isActive: () => boolean) {
    this.#engine = engine;
    this.#panes = new Panes(isActive);
    const card = (slot: Slot) =>
      new ResultCard(slot, {
        mark: index => this.#panes.mark(slot, index),
        export: kind => void this.#export(slot, kind),
      });
    this.#cards = { a: card('a'), b: card('b') };
    element('results').append(this.#cards.a.root, this.#cards.b.root);
    listenToFiles(element('panes'), isActive, files => void this.open(files));
    this.#listenToForm();
    this.#listenToMask();
    this.#builder.show('');
    void showSamples(
      element('samples'),
      'samples',
      (file, { file: name, text, attribution }) =>
        void this.#show(this.#known(name) ?? this.#add(newPicture(file, name, { sentence: text, attribution })), true),
      error => showError(error, () => location.reload()),
    );
  }

  get options(): EngineOptions {
    return {
      model: new URLSearchParams(location.search).get('model') ?? 'models/nano',
      device: element<HTMLSelectElement>('device').value as DeviceChoice,
      dtype: element<HTMLSelectElement>('dtype').value as DTypeChoice,
    };
  }

  /** Loads the model before it is needed. */
  async prepare(): Promise<SessionInfo | undefined> {
    try {
      beginLoading();
      const info = await this.#engine.open(this.options);
      showEngine(info);
      if (!this.#running) this.#invite();
      return info;
    } catch (error) {
      if (!this.#running && !isAborted(error)) showError(error, () => void this.prepare());
      return undefined;
    }
  }

  async open(files: readonly Named[]): Promise<void> {
    const { pairs, masks } = sortFiles(files);
    // What was written before there was any picture is about the first one.
    const sentence = this.#current ? '' : element<HTMLTextAreaElement>('sentence').value;
    const opened = pairs.map(({ image: { file }, mask }, at) => ({
      picture: this.#add(newPicture(file, file.name, at === 0 ? { sentence } : {})),
      mask,
    }));
    const first = opened[0]?.picture;
    if (first) await this.#show(first, false);
    for (const { picture, mask } of opened) if (mask) await this.#takeTruth(picture, mask);
    // A mask without an image is that of the picture on the stage.
    for (const mask of masks) if (this.#current) await this.#takeTruth(this.#current, mask);
  }

  #add(picture: Picture): Picture {
    this.#pictures.push(picture);
    return picture;
  }

  #known = (name: string) => this.#pictures.find(picture => picture.attribution && picture.name === name);

  async #takeTruth(picture: Picture, { file }: Named): Promise<void> {
    try {
      picture.truth = await readTruth(file, file.name);
      if (picture === this.#current) await this.#refresh();
    } catch (error) {
      showError(error, () => void this.#takeTruth(picture, { file, path: file.name }));
    }
  }

  /** Puts a picture on the stage, with the sentences and masks that are its own. */
  async #show(picture: Picture, run: boolean): Promise<void> {
    this.#running?.abort();
    this.#setBusy(undefined);
    this.#current = picture;
    for (const slot of SLOTS) element<HTMLTextAreaElement>(FIELDS[slot]).value = picture.drafts[slot];
    element<HTMLInputElement>('compare').checked = picture.drafts.b !== '';
    element('second').hidden = picture.drafts.b === '';
    this.#builder.show(picture.drafts.a);
    element('attribution').textContent = picture.attribution;
    await this.#followRecord(picture);
    await this.#refresh(true);
    if (this.#current !== picture) return;
    if (picture.shown.a) return showState('ready', toldOf(picture.shown.a, picture.shown.b));
    if (run) return this.run();
    this.#invite();
    element('sentence').focus({ preventScroll: true });
  }

  #invite(): void {
    if (element('state').dataset.state === 'loading' && !this.#isLoaded) return;
    const picture = this.#current;
    showState(
      'ready',
      picture
        ? `Write a sentence about ${picture.name}, then press Segment.`
        : 'Ready. Open an image or choose a sample.',
    );
  }

  get #isLoaded(): boolean {
    return element('facts').childElementCount > 0;
  }

  get #compared(): boolean {
    return element<HTMLInputElement>('compare').checked;
  }

  /** Draws the current picture's record anew. */
  async #refresh(isNew = false): Promise<void> {
    const picture = this.#current;
    const own = this.#pictures.filter(({ attribution }) => !attribution);
    showPictures(element('pictures'), own, picture, one => void this.#show(one, false));
    markSample(element('samples'), picture?.attribution ? picture.name : '');
    if (!picture) return;
    const compared = this.#compared;
    for (const slot of SLOTS) {
      const run = slot === 'b' && !compared ? undefined : picture.shown[slot];
      this.#cards[slot].show(run, { stale: isStale(picture, slot), letter: compared ? slot.toUpperCase() : '' });
    }
    await this.#panes.show(picture, compared, isNew);
    for (const slot of SLOTS) {
      const { shown, truth } = picture;
      const run = shown[slot];
      const dice = run && truth ? await diceOf(run, truth) : null;
      if (this.#current === picture && picture.shown[slot] === run) this.#cards[slot].showDice(truth, dice);
    }
  }

  /** Segments the picture on the stage with its sentences. The latest call wins. */
  async run(): Promise<void> {
    const picture = this.#current;
    if (!picture) return void this.prepare();
    this.#running?.abort();
    const running = new AbortController();
    this.#setBusy(running);
    const { signal } = running;
    const began = performance.now();
    try {
      if (!this.#isLoaded) beginLoading();
      const info = await untilAborted(this.#engine.open(this.options), signal);
      showEngine(info);
      const slots = this.#compared ? SLOTS : SLOTS.slice(0, 1);
      const sentences = slots.map(slot => promptOf(info, picture.drafts[slot]));
      if (sentences.some(text => text === ''))
        throw new TmcaError('TEXT_EMPTY', 'segment: the sentence must have words, got none; write one');
      showState('working', `Segmenting ${picture.name}…`);
      const settings = this.#settings;
      for (const [at, slot] of slots.entries()) {
        const sentence = sentences[at]!;
        const { truncated, ...result } = await this.#engine.segment(picture.file, sentence, { ...settings, signal });
        signal.throwIfAborted();
        const waited = performance.now() - began;
        const run: Run = { picture, sentence, info, truncated, result, settings, waited, date: new Date() };
        // The sliders may have been moved while it ran.
        picture.shown[slot] = await remasked(run, this.#settings);
        this.#history.add(run);
      }
      this.#panes.showOverlay(true);
      await this.#refresh();
      if (signal.aborted) return;
      const { a, b } = picture.shown;
      showEngine(info, timingOf(a!));
      showState('ready', toldOf(a!, this.#compared ? b : undefined));
    } catch (error) {
      // A newer run, or another picture, has taken over; it reports for itself.
      if (!signal.aborted) await this.#failed(picture, error);
    } finally {
      if (this.#running === running) this.#setBusy(undefined);
    }
  }

  /** The old mask goes with the error. The engine stays, unless the error says that it is broken. */
  async #failed(picture: Picture, error: unknown): Promise<void> {
    delete picture.shown.a;
    delete picture.shown.b;
    if (await this.#engine.closeIfBroken(error)) element('facts').replaceChildren();
    await this.#refresh();
    showError(error, () => void this.run());
  }

  #setBusy(running: AbortController | undefined): void {
    this.#running = running;
    const button = element<HTMLButtonElement>('run');
    button.ariaBusy = String(running !== undefined);
    button.textContent = running ? 'Segmenting…' : 'Segment';
    element('cancel').hidden = !running;
  }

  #cancel(): void {
    if (!this.#running) return;
    this.#running.abort();
    this.#setBusy(undefined);
    showState('ready', this.#isLoaded ? 'Cancelled.' : 'Cancelled. The model is still loading.');
    element('run').focus();
  }

  async #recall(run: Run): Promise<void> {
    const { picture } = run;
    const slot = 'a';
    picture.shown[slot] = run;
    picture.drafts[slot] = run.sentence ?? '';
    await this.#show(picture, false);
  }

  async #export(slot: Slot, kind: ExportKind): Promise<void> {
    const run = this.#current?.shown[slot];
    if (!run) return;
    const { truth } = run.picture;
    download(...(await exported(run, kind, truth ? await diceOf(run, truth) : null)));
  }

  #write(slot: Slot, text: string): void {
    element<HTMLTextAreaElement>(FIELDS[slot]).value = text;
    if (!this.#current) return;
    this.#current.drafts[slot] = text;
    void this.#refresh();
  }

  get #settings(): MaskSettings {
    const value = (id: string) => element<HTMLInputElement>(id).valueAsNumber;
    return { threshold: value('threshold'), minArea: value('least') / LEAST_STEPS };
  }

  /** The sliders say what made the mask that is shown. */
  async #followRecord({ shown }: Picture): Promise<void> {
    if (!shown.a) return;
    const { settings } = shown.a;
    element<HTMLInputElement>('threshold').valueAsNumber = settings.threshold;
    element<HTMLInputElement>('least').valueAsNumber = LEAST_STEPS * settings.minArea;
    this.#showSettings();
    if (shown.b) shown.b = await remasked(shown.b, settings);
  }

  #showSettings(): void {
    const { threshold, minArea } = this.#settings;
    element('threshold-value').textContent = threshold.toFixed(2);
    element('least-value').textContent = `${(100 * minArea).toFixed(2)} %`;
  }

  #listenToMask(): void {
    const follow = async () => {
      const settings = this.#settings;
      this.#showSettings();
      const picture = this.#current;
      if (!picture) return;
      for (const slot of SLOTS) {
        const run = picture.shown[slot];
        if (run) picture.shown[slot] = await remasked(run, settings);
      }
      if (picture === this.#current) await this.#refresh();
    };
    for (const id of ['threshold', 'least']) element(id).addEventListener('input', () => void follow());
  }

  #listenToForm(): void {
    const input = element<HTMLInputElement>('file');
    const choose = () => input.click();
    element('open').addEventListener('click', choose);
    element('drop').addEventListener('click', choose);
    input.addEventListener('change', () => {
      void this.open(namedFiles(input.files ?? []));
      // So that the same file can be opened again.
      input.value = '';
    });
    element('form').addEventListener('submit', event => {
      event.preventDefault();
      void this.run();
    });
    element('cancel').addEventListener('click', () => this.#cancel());
    element('image').addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.#cancel();
    });
    for (const slot of SLOTS) {
      const field = element<HTMLTextAreaElement>(FIELDS[slot]);
      field.addEventListener('input', () => {
        this.#write(slot, field.value);
        if (slot === 'a') this.#builder.show(field.value);
      });
      field.addEventListener('keydown', event => {
        if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        void this.run();
      });
    }
    element('compare').addEventListener('change', () => {
      element('second').hidden = !this.#compared;
      if (this.#compared) element('sentence-b').focus();
      void this.#refresh();
    });
    for (const id of ['device', 'dtype'])
      element(id).addEventListener('change', () => {
        element('facts').replaceChildren();
        void (this.#current?.drafts.a.trim() ? this.run() : this.prepare());
      });
  }
}

const isAborted = (error: unknown) => error instanceof TmcaError && error.code === 'ABORTED';

/** The same promise, unless the signal fires before; the work behind it goes on. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

/** What is said when a mask is there: the wait that the user had, not only the network's time. */
function toldOf(a: Run, b?: Run): string {
  const found = ({ result }: Run) => (result.lesions.length ? plural(result.lesions.length, 'lesion') : 'No lesion');
  if (b) return `A: ${found(a)}; B: ${found(b)}. It took ${duration(b.waited)}.`;
  return `${found(a)} in ${duration(a.waited)}.`;
}

function timingOf({ waited, result: { ms } }: Run): string {
  const rest = Math.max(0, waited - ms.total);
  return `${duration(waited)}: image ${ms.preprocess.toFixed(0)}, network ${ms.network.toFixed(0)}, mask ${ms.postprocess.toFixed(0)}, reading and waiting ${rest.toFixed(0)} ms`;
}
