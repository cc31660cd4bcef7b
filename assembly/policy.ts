// A page that does not allow WebAssembly.

import { TmcaError } from '../errors/index.js';

/**
 * What a content security policy that forbids WebAssembly comes as: every browser names the policy, or the source that its
 * `script-src` lacks. Null for anything else.
 */
export function policyError(thrown: unknown): TmcaError | null {
  const said = String((thrown as Error | null)?.message ?? thrown);
  if (!/unsafe-eval|content security policy|\bCSP\b/i.test(said)) return null;
  const message =
    "loadAssembly: the page's content security policy must allow WebAssembly, got one that does not; add 'wasm-unsafe-eval' to script-src";
  return new TmcaError('ENGINE_UNAVAILABLE', message, { cause: thrown });
}
