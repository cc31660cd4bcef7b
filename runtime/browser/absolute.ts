// Addresses as a page gives them, whole: a worker would resolve them against its own script.

import { TmcaError } from '../../errors/index.js';

/** @throws TmcaError BAD_ARGUMENT */
export const addressOfModel = (model: string | URL, where: string): string =>
  absolute(where, model, 'model must be an address', 'name a model folder');

/** @throws TmcaError BAD_ARGUMENT: `WHERE: RULE, got ADDRESS; TODO` */
export function absolute(where: string, address: string | URL, rule: string, todo: string): string {
  // `location` is absent in Node, where only absolute addresses have a meaning.
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const whole =
    base === undefined ? ' by its whole address (https://…): there is no page that it could be relative to' : '';
  const wrong = (cause?: unknown) =>
    new TmcaError('BAD_ARGUMENT', `${where}: ${rule}, got ${JSON.stringify(address)}; ${todo}${whole}`, {
      cause,
    });
  if (address === '') throw wrong();
  try {
    return new URL(address, base).href;
  } catch (cause) {
    throw wrong(cause);
  }
}
