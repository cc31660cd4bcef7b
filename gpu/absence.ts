// Where there is no WebGPU, or no adapter for it: what helps depends on where this runs.

import { TmcaError } from '../errors/index.js';

/** In Node, where Dawn is, or in a browser. */
const advice = (inBrowser: string): string =>
  globalThis.process?.versions?.node
    ? 'install a Vulkan driver (Debian: mesa-vulkan-drivers 24 or later, libvulkan1; in a clone, npm run setup), or choose device wasm'
    : `${inBrowser}, or choose device wasm`;

export const noWebGpu = (): TmcaError =>
  new TmcaError(
    'NO_WEBGPU',
    'openDevice: WebGPU must be available, got no navigator.gpu; ' +
      advice('open the page over https or on localhost, in Chrome or Edge 113+, Safari 26+ or Firefox 141+'),
  );

export const noAdapter = (): TmcaError =>
  new TmcaError(
    'NO_ADAPTER',
    'openDevice: there must be a WebGPU adapter, got none; ' +
      advice(
        'turn hardware acceleration on (on Linux also chrome://flags/#enable-unsafe-webgpu), restart the browser if the GPU was lost before',
      ),
  );
