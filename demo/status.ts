// The status line: what happens now to the image on the stage. It is read aloud, so each phase of loading is told once.

import type { Progress, SessionInfo } from '../runtime/index.js';
import { element, node, write } from './dom.js';
import { explain, headlineOf } from './explain.js';

export type State = 'idle' | 'loading' | 'working' | 'ready' | 'failed';

/** In their order; while a model loads, steps of several phases alternate. */
const PHASES: Record<Progress['phase'], string> = {
  download: 'Downloading the model…',
  tune: 'Fitting kernels to the device…',
  weights: 'Moving weights to the device…',
  compile: 'Compiling shaders…',
  ready: 'The model is ready.',
};
const ORDER = Object.keys(PHASES) as Progress['phase'][];

let reached = -1;

export function showState(state: State, text: string): void {
  element('state').dataset.state = state;
  write(element('status'), text);
  if (state !== 'loading') element('progress').hidden = true;
  if (state !== 'failed') element('error').hidden = true;
}

/** A loading begins: its phases will be told again. */
export function beginLoading(): void {
  reached = -1;
  showState('loading', 'Loading the model…');
}

/** The bar follows every step; the words follow a phase only when it is reached for the first time. */
export function showProgress({ phase, loaded, total }: Progress): void {
  if (element('state').dataset.state !== 'loading') return;
  const bar = element<HTMLProgressElement>('progress');
  bar.hidden = phase === 'ready';
  if (total) bar.value = loaded / total;
  else bar.removeAttribute('value');
  const at = ORDER.indexOf(phase);
  if (at <= reached || phase === 'ready') return;
  reached = at;
  write(element('status'), PHASES[phase]);
}

export function showError(error: unknown, retry: () => void): void {
  showState('failed', headlineOf(error));
  explain(element('error'), error, retry);
}

const ENGINES = { webgpu: 'WebGPU', wasm: 'WebAssembly' } as const;

/** What runs, in one line. */
export function engineLine(info: SessionInfo): string {
  const { device, dtype, model } = info;
  return `${model.name} on ${ENGINES[device as 'wasm'] ?? device}, ${dtype}${onCpu(info) ? ' · CPU fallback' : ''}`;
}

/** One line says what runs; device, adapter and the reason are folded under it. */
export function showEngine(info: SessionInfo, timing?: string): void {
  const { device, dtype, adapter, model, integrity, reason } = info;
  const engine = ENGINES[device as 'wasm'] ?? device;
  const name = adapter.description || [adapter.vendor, adapter.architecture].filter(Boolean).join(' ');
  write(element('engine-line'), engineLine(info));
  const facts: [string, string][] = [
    ['Device', engine],
    ['Precision', dtype],
    ['Adapter', `${name}${adapter.software && device === 'webgpu' ? ' (software)' : ''}`],
    ['Model', `${model.name}, ${model.imageSize} × ${model.imageSize}`],
    ['Hash', model.hash.slice(0, 16)],
    ['Files', integrity === 'checked' ? 'checked' : 'not checked: there is no manifest'],
  ];
  if (timing) facts.push(['Time', timing]);
  element('facts').replaceChildren(...facts.flatMap(([term, value]) => [node('dt', term), node('dd', value)]));
  element('reason').textContent = reason;
}

const onCpu = ({ device, adapter }: SessionInfo) => device !== 'webgpu' || adapter.software;
