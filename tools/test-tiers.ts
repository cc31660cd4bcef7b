// The tiers of the test suite, which of them this run may leave out, and the check that a tier's device is there.
// A tier whose device is missing fails the run: a suite that is green because it skipped is worse than a red one.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { chromiumCandidates, findChromium } from './chromium.mjs';

export const tiers = ['unit', 'gpu', 'browser'] as const;
export type Tier = (typeof tiers)[number];

/**
 * Tiers that need what not every developer has, so that they run where `TMCA_ENGINES` names them: `TMCA_ENGINES=torch`. What is
 * named must be there.
 */
export const namedTiers = ['torch'] as const;
export type NamedTier = (typeof namedTiers)[number];

/** Tiers named in `TMCA_ENGINES`. */
export function askedTiers(list = process.env.TMCA_ENGINES ?? ''): NamedTier[] {
  const names = list.split(',').flatMap(name => name.trim() || []);
  const unknown = names.find(name => !namedTiers.some(tier => tier === name));
  if (unknown !== undefined)
    throw new Error(`TMCA_ENGINES: must name ${namedTiers.join(', ')}, got "${unknown}"; correct the variable`);
  return namedTiers.filter(tier => names.includes(tier));
}

/** The Python that `torch` runs in. */
export const testPython = (): string => process.env.TMCA_PYTHON ?? 'python3';

/** Throws unless a Python has PyTorch. */
export function requireTorch(): void {
  try {
    console.log(`torch tier: PyTorch ${answer([testPython(), '-c', 'import torch; print(torch.__version__)'])}`);
  } catch (cause) {
    throw new Error(
      `requireTorch: ${testPython()} must have PyTorch, got an error; install it, or name another Python in TMCA_PYTHON`,
      { cause },
    );
  }
}

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
