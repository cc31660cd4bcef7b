// The page: an image, a sentence, a mask. Research use only; not a medical device.

import type { DeviceChoice, DTypeChoice } from '../runtime/index.js';
import { Engine, type EngineOptions } from './engine.js';
import { element, showEngine, showError, showLesions, showProgress, showState } from './panel.js';
import { type Sample, showSamples } from './samples.js';
import { sentenceBuilder } from './sentence.js';
import { Stage } from './stage.js';

const stage = new Stage(element('stage'));
const engine = new Engine(showProgress);
const sentence = element<HTMLTextAreaElement>('sentence');
const builder = sentenceBuilder(element('builder'), text => {
  sentence.value = text;
});

let image: Blob | undefined;
/** The run under way; a newer one stops it. */
let running = new AbortController();

function options(): EngineOptions {
  return {
    model: new URLSearchParams(location.search).get('model') ?? 'models/nano',
    device: element<HTMLSelectElement>('device').value as DeviceChoice,
    dtype: element<HTMLSelectElement>('dtype').value as DTypeChoice,
  };
}

/** Loads the model, if need be, and segments the image, if there is one. The latest call wins. */
async function run(): Promise<void> {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  try {
    showState('loading', 'Loading the model…');
    const info = await engine.open(options());
    if (signal.aborted) return;
    showEngine(info);
    if (!image) return showState('ready', 'Ready. Open an image or choose a sample.');
    showState('working', 'Segmenting…');
    const result = await engine.segment(image, sentence.value, signal);
    if (signal.aborted) return;
    await stage.mark(result);
    showLesions(result, index => {
      stage.marked = index;
    });
    showEngine(info, result);
    const found = `${result.lesions.length} ${result.lesions.length === 1 ? 'lesion' : 'lesions'}`;
    showState(
      'ready',
      `${found} in ${result.ms.total.toFixed(0)} ms.${engine.truncated ? ' The sentence was too long; its end was not read.' : ''}`,
    );
  } catch (error) {
    // A newer run, or a change of device, has taken over; it reports for itself.
    if (!signal.aborted) await failed(error);
  }
}

/** The old mask goes with the error, and so does an engine that may be broken: trying again starts a new one. */
async function failed(error: unknown): Promise<void> {
  stage.clear();
  element('result').hidden = true;
  await engine.close();
  showError(error, run);
}

async function open(file: Blob, name: string, sample?: Sample): Promise<void> {
  running.abort();
  element('result').hidden = true;
  element('attribution').textContent = sample?.attribution ?? '';
  if (sample) write(sample.text);
  image = file;
  // A file that the browser cannot show is for the worker to refuse, with a code.
  await stage.show(file, name).catch(() => {});
  element<HTMLButtonElement>('hide').disabled = false;
  await run();
}

function write(text: string): void {
  sentence.value = text;
  builder.show(text);
}

function openFirst(files: FileList | null | undefined): void {
  const file = files?.[0];
  if (file) void open(file, file.name);
}

function listenToFiles(): void {
  const input = element<HTMLInputElement>('file');
  input.addEventListener('change', () => {
    openFirst(input.files);
    // So that the same file can be opened again.
    input.value = '';
  });
  document.addEventListener('dragover', event => {
    event.preventDefault();
    element('stage').classList.add('dragging');
  });
  document.addEventListener('dragleave', event => {
    if (!event.relatedTarget) element('stage').classList.remove('dragging');
  });
  document.addEventListener('drop', event => {
    event.preventDefault();
    element('stage').classList.remove('dragging');
    openFirst(event.dataTransfer?.files);
  });
}

function listenToOverlay(): void {
  const hide = element<HTMLButtonElement>('hide');
  const toggle = () => {
    const hidden = hide.ariaPressed !== 'true';
    hide.ariaPressed = String(hidden);
    stage.hidden = hidden;
  };
  hide.addEventListener('click', toggle);
  document.addEventListener('keydown', ({ key, target, ctrlKey, metaKey, altKey }) => {
    const typing = target instanceof Element && target.matches('textarea, select');
    if (key === 'h' && !typing && !ctrlKey && !metaKey && !altKey && !hide.disabled) toggle();
  });
  const opacity = element<HTMLInputElement>('opacity');
  opacity.addEventListener('input', () => {
    element('opacity-value').textContent = `${opacity.value} %`;
    stage.opacity = opacity.valueAsNumber / 100;
  });
}

function listenToForm(): void {
  element('form').addEventListener('submit', event => {
    event.preventDefault();
    void run();
  });
  sentence.addEventListener('input', () => builder.show(sentence.value));
  sentence.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void run();
  });
  for (const id of ['device', 'dtype']) element(id).addEventListener('change', () => void run());
}

listenToFiles();
listenToOverlay();
listenToForm();
write('one small pink round polyp, located in center of the image');
void showSamples(
  element('samples'),
  'samples',
  (file, sample) => void open(file, sample.text, sample),
  error => showError(error, run),
);
void run();
