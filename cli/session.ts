// A session for a command, with its loading shown.

import { basename } from 'node:path';
import type { Session } from '../runtime/types.js';
import type { Context } from './context.js';
import type { NetworkOptions } from './options.js';

/** Errors: those of `openSession`. */
export async function openSession(
  { engine, io, console }: Context,
  { model, device, dtype, tune = true }: NetworkOptions & { readonly model: string },
): Promise<Session> {
  const loading = console.loading(basename(model));
  try {
    return await engine.openSession(model, { device, dtype, tune, signal: io.signal, onProgress: loading.report });
  } finally {
    loading.end();
  }
}
