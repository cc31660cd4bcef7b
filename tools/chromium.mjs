// Where a Chromium or Chrome is, for the browser tests and the page's screenshot. Nothing is downloaded.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A software WebGPU adapter, which Chromium gives only when asked. */
export const SWIFTSHADER = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/**
 * The same, with the page put together on that adapter too, as GPUs do. Only so can WebGPU take a frame of a video, and draw into a canvas:
 * without these a Chromium that has no GPU refuses the frame, and loses the device at the canvas.
 */
export const COMPOSITED = [
  ...SWIFTSHADER,
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-angle=vulkan',
];

/** The paths looked at, in order: `TMCA_CHROMIUM` first, and alone if it is set. */
export function chromiumCandidates(env = process.env, platform = process.platform) {
  if (env.TMCA_CHROMIUM) return [env.TMCA_CHROMIUM];
  if (platform === 'darwin')
    return ['Google Chrome', 'Chromium'].map(name => `/Applications/${name}.app/Contents/MacOS/${name}`);
  if (platform === 'win32')
    return [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA]
      .filter(Boolean)
      .map(folder => `${folder}\\Google\\Chrome\\Application\\chrome.exe`);
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return [...names.map(name => `/usr/bin/${name}`), '/snap/bin/chromium'];
}

/** The first candidate that exists, or undefined. */
export function findChromium(env = process.env, platform = process.platform) {
  return chromiumCandidates(env, platform).find(path => existsSync(path));
}

// `node tools/chromium.mjs` prints the path; exit 1 if there is none.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = findChromium();
  if (path === undefined) process.exit(1);
  console.log(path);
}
