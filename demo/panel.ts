// The right-hand side: state, error, lesions, engine. Only text goes in, never markup.

import {
  type ErrorCode,
  type Lesion,
  type Progress,
  type Segmentation,
  type SessionInfo,
  TmcaError,
} from '../runtime/index.js';

export const element = <E extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as E;

export type State = 'idle' | 'loading' | 'working' | 'ready' | 'failed';

export function showState(state: State, text: string): void {
  element('state').dataset.state = state;
  element('status').textContent = text;
  if (state !== 'loading') element('progress').hidden = true;
  if (state !== 'failed') element('error').hidden = true;
}

const PHASES: Record<Progress['phase'], string> = {
  download: 'Downloading',
  tune: 'Fitting kernels to the device',
  weights: 'Moving weights to the device',
  compile: 'Compiling shaders',
  ready: 'Ready',
};

export function showProgress({ phase, file, loaded, total }: Progress): void {
  const bar = element<HTMLProgressElement>('progress');
  bar.hidden = phase === 'ready';
  if (total) bar.value = loaded / total;
  else bar.removeAttribute('value');
  const amount = phase === 'download' ? ` ${megabytes(loaded)}${total ? ` of ${megabytes(total)}` : ''} MB` : '';
  // The status is read aloud: only the phase goes there, the running numbers are the bar's.
  element('status').textContent = `${PHASES[phase]}${file ? ` ${file}` : ''}…`;
  bar.title = `${PHASES[phase]}${amount}`;
}

const HELP: Partial<Record<ErrorCode, string>> = {
  NO_WEBGPU:
    'This browser has no WebGPU. Use Chrome or Edge 113 or later, Safari 26, or Firefox 141 on Windows; the page must be on https or localhost.',
  NO_ADAPTER:
    'The browser has WebGPU but found no GPU for it. Update the graphics driver, see chrome://gpu; on Linux start Chrome with --enable-unsafe-webgpu --enable-features=Vulkan.',
  ENGINE_UNAVAILABLE: 'The files of onnxruntime-web are not where the page looks for them. Choose another device.',
  UNSUPPORTED: 'Choose another precision.',
  DOWNLOAD_FAILED: 'Check the address of the model (?model=…) and the network, then try again.',
  TEXT_EMPTY: 'Write a sentence, or build one from the choices above it.',
  IMAGE_UNREADABLE: 'Open a JPEG, PNG or WebP file.',
  DEVICE_LOST: 'The GPU was reset. Try again.',
};

/** Shows an error with its code, what to do, and a way to try again. */
export function showError(error: unknown, retry: () => void): void {
  const code = error instanceof TmcaError ? error.code : 'INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  const button = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Try again' });
  button.addEventListener('click', retry);
  const parts = [
    text('code', code),
    text('p', HELP[code] ?? 'Try again; if it stays, please report it with the line below.'),
    text('p', message, 'fine'),
    button,
  ];
  showState('failed', 'Failed.');
  const box = element('error');
  box.replaceChildren(...parts);
  box.hidden = false;
}

/** Lists the lesions; `onMark` is told which one the pointer or the focus is on. */
export function showLesions(result: Segmentation, onMark: (index: number) => void): void {
  const { lesions, omitted, warnings, width, height } = result;
  element('result').hidden = false;
  const told = omitted.count > 0 || warnings.some(({ code }) => code === 'IMAGE_FLAT');
  element('none').hidden = lesions.length > 0 || told;
  element('omitted').hidden = omitted.count === 0;
  element('omitted').textContent = `Left out: ${omitted.count} smaller than 0.05 % of the view.`;
  element('warnings').replaceChildren(...warnings.map(({ message }) => text('p', sentence(message))));
  element('count').textContent = String(lesions.length);
  element('lesions').replaceChildren(
    ...lesions.map((lesion, index) =>
      lesionItem(
        lesion,
        width * height,
        () => onMark(index),
        () => onMark(-1),
      ),
    ),
  );
}

function lesionItem({ score, area, box }: Lesion, pixels: number, enter: () => void, leave: () => void): HTMLLIElement {
  const item = document.createElement('li');
  const [x, y, width, height] = box;
  item.tabIndex = 0;
  item.append(
    text('strong', score.toFixed(2)),
    text('span', `${((100 * area) / pixels).toFixed(1)} % of the view`),
    text('span', `${area.toLocaleString('en')} px in ${width} × ${height} at ${x}, ${y}`, 'fine'),
  );
  for (const event of ['pointerenter', 'focus']) item.addEventListener(event, enter);
  for (const event of ['pointerleave', 'blur']) item.addEventListener(event, leave);
  return item;
}

/** Which device, precision and adapter run, why, and how long the last frame took. */
export function showEngine(info: SessionInfo, result?: Segmentation): void {
  const { device, dtype, adapter, model, integrity, reason } = info;
  const name = adapter.description || [adapter.vendor, adapter.architecture].filter(Boolean).join(' ');
  const facts: [string, string][] = [
    ['Device', device === 'webgpu' ? 'WebGPU' : 'WebAssembly'],
    ['Precision', dtype],
    ['Adapter', `${name}${adapter.software && device === 'webgpu' ? ' (software)' : ''}`],
    ['Model', `${model.name}, ${model.imageSize} × ${model.imageSize}`],
    ['Files', integrity === 'checked' ? 'checked' : 'not checked: there is no manifest'],
  ];
  if (result) {
    const { preprocess, network, postprocess, total } = result.ms;
    facts.push([
      'Time',
      `${total.toFixed(0)} ms: image ${preprocess.toFixed(0)}, network ${network.toFixed(0)}, mask ${postprocess.toFixed(0)}`,
    ]);
  }
  element('facts').replaceChildren(...facts.flatMap(([term, value]) => [text('dt', term), text('dd', value)]));
  element('reason').textContent = reason;
  element('engine').hidden = false;
}

function text(tag: string, content: string, className = ''): HTMLElement {
  return Object.assign(document.createElement(tag), { textContent: content, className });
}

/** As our messages begin in lower case. */
const sentence = (message: string) => `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
