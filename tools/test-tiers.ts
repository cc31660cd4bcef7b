// The tiers of the test suite, which of them this run may leave out, and the check that a tier's device is there.
// A tier whose device is missing fails the run: a suite that is green because it skipped is worse than a red one.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { chromiumCandidates, findChromium } from './chromium.mjs';

export const tiers = ['unit', 'gpu', 'browser'] as const;
export type Tier = (typeof tiers)[number];

/** Tiers named in `TMCA_EXCUSE=gpu,browser`. `unit` needs no device and cannot be excused. */
export function excusedTiers(list = process.env.TMCA_EXCUSE ?? ''): Set<Tier> {
  const names = list.split(',').map(name => name.trim());
  const excused = new Set<Tier>();
  for (const name of names.filter(Boolean)) {
    if (name !== 'gpu' && name !== 'browser')
      throw new Error(
        `TMCA_EXCUSE: must name gpu, browser or both (comma between), got "${name}"; correct the variable`,
      );
    excused.add(name);
  }
  return excused;
}

const probe = fileURLToPath(new URL('./probe-adapter.mjs', import.meta.url));

/** Throws unless Dawn finds a WebGPU adapter. */
export function requireGpu(): void {
  try {
    console.log(`gpu tier: ${answer([process.execPath, probe])}`);
  } catch (cause) {
    throw new Error(
      'requireGpu: the gpu tier must have a WebGPU adapter (Dawn on Vulkan, Metal or D3D12), got none; run "npm run setup", or leave the tier out with TMCA_EXCUSE=gpu',
      { cause },
    );
  }
}

/** Throws unless a Chromium can be started. */
export function requireBrowser(): void {
  const path = findChromium();
  const advice = 'run "npm run setup" or name one in TMCA_CHROMIUM, or leave the tier out with TMCA_EXCUSE=browser';
  if (path === undefined)
    throw new Error(
      `requireBrowser: the browser tier must have a Chromium, got none of ${chromiumCandidates().join(', ')}; ${advice}`,
    );
  // --version does not start a browser on Windows; there the file's presence has to do.
  if (process.platform === 'win32') return;
  try {
    console.log(`browser tier: ${answer([path, '--version'])}`);
  } catch (cause) {
    throw new Error(`requireBrowser: ${path} must start, got an error; ${advice}`, { cause });
  }
}

/** What a command prints. Throws where it cannot be started, exits with another code than 0 or takes a minute. */
function answer([command, ...args]: [string, ...string[]]): string {
  return execFileSync(command, args, { encoding: 'utf8', timeout: 60_000, stdio: 'pipe' }).trim();
}
