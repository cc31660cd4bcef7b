// Errors in plain words. The code and the message, which people need for a report, are folded away under Details.

import { type ErrorCode, TmcaError } from '../runtime/index.js';
import { button, node } from './dom.js';

/** What happened, and what the user can do. */
const PLAIN: Partial<Record<ErrorCode, readonly [headline: string, help: string]>> = {
  NO_WEBGPU: [
    'This browser has no WebGPU.',
    'Use Chrome or Edge 113 or later, Safari 26, or Firefox 141 on Windows; the page must be on https or localhost. Or choose another device.',
  ],
  NO_ADAPTER: [
    'The browser found no GPU for WebGPU.',
    'Update the graphics driver and see chrome://gpu; on Linux start Chrome with --enable-unsafe-webgpu --enable-features=Vulkan. Or choose another device.',
  ],
  ENGINE_UNAVAILABLE: [
    'The files of onnxruntime-web are missing.',
    'Choose another device, or serve them with the page.',
  ],
  UNSUPPORTED: ['This precision does not run here.', 'Choose another precision.'],
  DOWNLOAD_FAILED: [
    'The model could not be downloaded.',
    'Check the address (?model=…) and the network, then try again.',
  ],
  FILE_NOT_FOUND: ['The model was not found.', 'Check its address (?model=…).'],
  MODEL_INCOMPLETE: ['The model lacks files.', 'Put all files of its folder on the server.'],
  GPU_LIMIT: ['This is more than the device can do.', 'Take fewer images a step, or choose another device.'],
  MODEL_NOT_FINITE: [
    'The numbers grew beyond all bounds.',
    'In training, take a lower rate; else, choose precision fp32.',
  ],
  MANIFEST_MISMATCH: [
    "The model's files are damaged.",
    'Load the page again; if it stays, put the model on the server anew.',
  ],
  TEXT_EMPTY: ['There is no sentence yet.', 'Write one, or build one from the choices above it.'],
  TEXT_REQUIRED: ['There is no sentence yet.', 'Write one, or build one from the choices above it.'],
  IMAGE_UNREADABLE: ['This file cannot be read as an image.', 'Open a JPEG, PNG or WebP file.'],
  IMAGE_TOO_LARGE: ['This image is too large.', 'Make it smaller, then open it again.'],
  DEVICE_LOST: ['The GPU was reset.', 'Try again.'],
  GPU_OUT_OF_MEMORY: ['The GPU has too little memory.', 'Close other pages that use it, or choose another device.'],
  OUT_OF_MEMORY: ['There is too little memory.', 'Close other pages, or use a smaller image.'],
  WORKER_DIED: ['The engine stopped unexpectedly.', 'Try again.'],
};

/** Errors of the browser itself, by their names. */
const BROWSER: Readonly<Record<string, readonly [headline: string, help: string]>> = {
  NotAllowedError: ['The page may not use this camera or screen.', 'Allow it in the browser, then choose it again.'],
  NotFoundError: ['There is no camera.', 'Connect one, then choose it again.'],
  NotReadableError: ['The camera is in use elsewhere.', 'Close the other program, then choose it again.'],
  NotSupportedError: ['This browser cannot play the file.', 'Choose an MP4 (H.264) or WebM file.'],
};

const OTHER = ['Something went wrong.', 'Try again; if it stays, please report it with the details below.'] as const;

export const headlineOf = (error: unknown) => plainly(error)[0];

function plainly(error: unknown): readonly [string, string] {
  if (error instanceof TmcaError) return PLAIN[error.code] ?? OTHER;
  return (error instanceof DOMException && BROWSER[error.name]) || OTHER;
}

function codeOf(error: unknown): string {
  if (error instanceof TmcaError) return error.code;
  return error instanceof DOMException ? error.name : 'INTERNAL';
}

/** Fills `box` with an error: headline, what to do, a way to try again, and the code with its message under Details. */
export function explain(box: HTMLElement, error: unknown, retry?: () => void): void {
  const [headline, help] = plainly(error);
  const details = node('details');
  const message = error instanceof Error ? error.message : String(error);
  details.append(node('summary', 'Details'), node('code', codeOf(error)), node('p', message, 'fine'));
  box.replaceChildren(node('strong', headline), node('p', help));
  if (retry) box.append(button('Try again', retry));
  box.append(details);
  box.hidden = false;
}
