// The view Train: the page's model, trained further on the user's own pictures. Nothing is sent anywhere; the result is a model folder.

import { proxy, type Remote, wrap } from 'comlink';
import { confusion, loadAssembly, overlap } from '../../assembly/index.js';
import { carryErrors } from '../../runtime/browser/worker/errors.js';
import { type Segmentation, Segmenter, TmcaError } from '../../runtime/index.js';
import { download, duration, element, node, plural, write } from '../dom.js';
import type { Engine, EngineOptions } from '../engine.js';
import { explain } from '../explain.js';
import { listenToFiles, namedFiles } from '../files.js';
import { TRUTH } from '../image/draw.js';
import { Pane } from '../image/pane.js';
import { Viewport } from '../image/viewport.js';
import { drawCurve } from './chart.js';
import { type Example, ExampleList } from './examples.js';
import { type ModelFolder, trainedFolder, zipped } from './folder.js';
import type { TrainStep, TrainWork } from './work.js';

/** With so many examples and more, every fifth is kept from training, to see what the model makes of pictures it has not seen. */
const HELD_FROM = 5;
const isHeld = (at: number, count: number) => count >= HELD_FROM && at % HELD_FROM === HELD_FROM - 1;

interface Compared {
  readonly example: Example;
  readonly held: boolean;
  readonly before: Segmentation;
  readonly after: Segmentation;
}

export class TrainView {
  readonly #examples = new ExampleList(element('examples'), notes => this.#changed(notes));
  readonly #panes: Record<'before' | 'after' | 'truth', Pane>;
  #worker: Worker | undefined;
  #work: Remote<TrainWork> | undefined;
  #folder: ModelFolder | undefined;
  #compared: Compared[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly options: () => EngineOptions,
    isActive: () => boolean,
  ) {
    const viewport = new Viewport(view => {
      for (const pane of Object.values(this.#panes)) pane.view = view;
    });
    const pane = (name: string, caption: string) => {
      const made = new Pane(viewport, `pane-${name}`);
      made.caption = caption;
      return made;
    };
    this.#panes = {
      before: pane('before', 'Before'),
      after: pane('after', 'After'),
      truth: pane('drawn', 'Ground truth'),
    };
    element('compared').append(...Object.values(this.#panes).map(({ root }) => root));
    const input = element<HTMLInputElement>('train-files');
    for (const id of ['open-examples', 'train-drop']) element(id).addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      void this.#examples.add(namedFiles(input.files ?? []));
      input.value = '';
    });
    listenToFiles(element('train-drop'), isActive, files => void this.#examples.add(files));
    element('train-form').addEventListener('submit', event => {
      event.preventDefault();
      void this.#train();
    });
    element('train-stop').addEventListener('click', () => {
      void this.#work?.stop();
      this.#say('working', 'Stopping after this step…');
    });
    element('fill').addEventListener('click', () =>
      this.#examples.fill(element<HTMLInputElement>('fill-text').value.trim()),
    );
    element('train-save').addEventListener('click', () => void this.#save());
    element<HTMLSelectElement>('compared-which').addEventListener('change', () => void this.#showCompared());
    this.#changed([]);
  }

  #changed(notes: readonly string[]): void {
    const { all } = this.#examples;
    const silent = all.filter(({ text }) => !text.trim()).length;
    element('train-drop').classList.toggle('small', all.length > 0);
    element('fill-all').hidden = silent === 0;
    element('train-notes').replaceChildren(...notes.map(note => node('p', note)));
    element<HTMLButtonElement>('train-start').disabled = this.#worker !== undefined || all.length < 2 || silent > 0;
    if (this.#worker || this.#folder) return;
    if (all.length < 2) this.#say('idle', 'Drop two or more images with their masks.');
    else if (silent) this.#say('idle', `${plural(silent, 'image')} still without a sentence.`);
    else this.#say('ready', `${plural(all.length, 'image')} ready.`);
  }

  async #train(): Promise<void> {
    const examples = [...this.#examples.all];
    const value = (id: string) => Number(element<HTMLInputElement>(id).value);
    const seen = examples.filter((_, at) => !isHeld(at, examples.length));
    const [steps, lr, batch] = [value('steps'), value('rate'), Math.min(value('batch'), seen.length)];
    const began = performance.now();
    const losses: number[] = [];
    element('train-error').hidden = true;
    element('train-result').hidden = true;
    element('curve').classList.remove('drawn');
    this.#folder = undefined;
    this.#setBusy(new Worker(new URL('./work.ts', import.meta.url), { type: 'module', name: 'tmca-edge training' }));
    try {
      this.#say('working', 'Preparing the training…');
      // First the model that it begins from: it is compared with later, and one file is not fetched twice at a time.
      await this.engine.open(this.options());
      const model = new URL(this.options().model, document.baseURI).href;
      const onStep = ({ step, loss }: TrainStep) => {
        losses.push(loss);
        drawCurve(element('curve') as unknown as SVGElement, losses, steps);
        element('curve').classList.add('drawn');
        const left = ((performance.now() - began) / step) * (steps - step);
        write(
          element('train-progress'),
          `Step ${step} of ${steps}, loss ${loss.toFixed(3)}, about ${duration(left)} left`,
        );
      };
      const request = {
        model,
        steps,
        batch,
        lr,
        examples: seen.map(({ image, mask, text }) => ({ image, mask, text })),
      };
      const weights = await this.#untilDead(this.#work!.train(request, proxy(onStep)));
      this.#say('working', 'Comparing before and after…');
      this.#folder = await trainedFolder(model, weights, cardOf(model, seen.length, losses, lr));
      await this.#compare(examples);
      const taken = plural(losses.length, 'step');
      this.#say('ready', `Trained for ${taken} in ${duration(performance.now() - began)}.`);
    } catch (error) {
      this.#say('failed', 'The training ended early.');
      explain(element('train-error'), error, () => void this.#train());
    } finally {
      this.#setBusy(undefined);
    }
  }

  /** A worker that dies answers no call. */
  #untilDead<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#worker!.addEventListener('error', ({ message }) =>
        reject(new TmcaError('WORKER_DIED', `train: the worker must live, got "${message}"; try again`)),
      );
      answer.then(resolve, reject);
    });
  }

  async #compare(examples: readonly Example[]): Promise<void> {
    const { 'README.md': _, ...files } = this.#folder!;
    const after = await Segmenter.create({ ...this.options(), model: files });
    try {
      this.#compared = [];
      for (const [at, example] of examples.entries()) {
        const report = await after.encodeReport(example.text);
        this.#compared.push({
          ...{ example, held: isHeld(at, examples.length) },
          before: await this.engine.segment(example.image, example.text, {}),
          after: await after.segment(example.image, report),
        });
        report.dispose();
      }
    } finally {
      await after.dispose();
    }
    const which = element<HTMLSelectElement>('compared-which');
    which.replaceChildren(
      ...this.#compared.map(
        ({ example, held }, at) => new Option(`${example.name}${held ? ' (held back)' : ''}`, String(at)),
      ),
    );
    // Pictures that it has not seen say more.
    which.value = String(
      Math.max(
        0,
        this.#compared.findIndex(({ held }) => held),
      ),
    );
    const rows = await Promise.all([this.#scores('Held back', true), this.#scores('Trained on', false)]);
    element('scores').replaceChildren(...rows.filter(row => row !== null));
    element('train-result').hidden = false;
    element('train-result').scrollIntoView({ block: 'nearest' });
    await this.#showCompared();
  }

  async #scores(name: string, held: boolean): Promise<HTMLElement | null> {
    const of = this.#compared.filter(one => one.held === held);
    if (of.length === 0) return null;
    const assembly = await loadAssembly();
    const dice = (result: Segmentation, { truth }: Example) =>
      overlap(confusion(assembly, result.mask, truth.mask)).dice;
    const mean = (values: number[]) => (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(3);
    const row = node('tr');
    const head = node('th', `${name} (${of.length})`);
    head.setAttribute('scope', 'row');
    row.append(
      head,
      node('td', mean(of.map(({ before, example }) => dice(before, example)))),
      node('td', mean(of.map(({ after, example }) => dice(after, example)))),
    );
    return row;
  }

  async #showCompared(): Promise<void> {
    const one = this.#compared[Number(element<HTMLSelectElement>('compared-which').value)];
    if (!one) return;
    const { before, after, truth } = this.#panes;
    const { url, name } = one.example;
    await Promise.all([before, after, truth].map(pane => pane.show(url, name)));
    before.layer = one.before;
    after.layer = one.after;
    truth.layer = { ...one.example.truth, colour: TRUTH };
  }

  async #save(): Promise<void> {
    if (this.#folder) download(await zipped(this.#folder, 'model'), 'tmca-edge-model.zip');
  }

  #setBusy(worker: Worker | undefined): void {
    if (!worker) this.#worker?.terminate();
    this.#worker = worker;
    carryErrors();
    this.#work = worker && wrap<TrainWork>(worker);
    const start = element<HTMLButtonElement>('train-start');
    start.ariaBusy = String(worker !== undefined);
    start.disabled = worker !== undefined;
    element('train-stop').hidden = worker === undefined;
    if (!worker) write(element('train-progress'), '');
  }

  #say(state: string, text: string): void {
    element('train-state').dataset.state = state;
    write(element('train-status'), text);
  }
}

function cardOf(model: string, images: number, losses: readonly number[], lr: number): string {
  const last = losses.at(-1)?.toFixed(4) ?? 'none';
  return `# A model trained in the page of tmca-edge

**Research use only; not a medical device.** Nobody has validated this model.

It began as ${model.slice(model.lastIndexOf('/') + 1)} and was trained for ${losses.length} steps on ${images} images at a learning rate
of ${lr}. The last loss was ${last}.
`;
}
