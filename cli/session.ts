// A session for a command, with its loading shown, and a warning where its model could not be checked.

import { basename } from 'node:path';
import { UNCHECKED } from '../runtime/session/recovering-session.js';
import type { Session } from '../runtime/types.js';
import type { Context } from './context.js';
import type { NetworkOptions } from './options.js';

/** Errors: those of `openSession`. */
export async function openWithProgress(
  { engine, io, console }: Context,
  { model, device, dtype, tune = true, integrity = 'auto' }: NetworkOptions & { readonly model: string },
): Promise<Session> {
  const loading = console.loading(basename(model));
  const watched = { signal: io.signal, onProgress: loading.report };
  const opening = engine.openSession(model, { device, dtype, tune, integrity, ...watched });
  const session = await opening.finally(() => loading.end());
  if (session.info.integrity === 'unchecked') await console.warn(UNCHECKED.message);
  return session;
}
