// How an error crosses the worker boundary. Structured clone keeps name, message and stack of an Error at best, and comlink
// sends no more than that, so a TmcaError would arrive as a plain Error: no code, no `retryable`, no cause, no instanceof.

import { transferHandlers } from 'comlink';
import { type ErrorCode, TmcaError } from '../../../errors/index.js';

/** An error as plain data that structured clone takes as it is. */
export type ErrorWire =
  | {
      readonly kind: 'tmca';
      readonly code: ErrorCode;
      readonly message: string;
      readonly retryable: boolean;
      readonly stack: string | undefined;
      readonly cause: ErrorWire | undefined;
    }
  | {
      readonly kind: 'error' | 'dom';
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly cause: ErrorWire | undefined;
    }
  | { readonly kind: 'value'; readonly value: unknown };

/** Causes deeper than this are dropped: a chain may be a cycle. */
const MAX_CAUSES = 8;

/** Any thrown value as plain data. */
export function encodeError(error: unknown, depth = 0): ErrorWire {
  if (!(error instanceof Error)) return { kind: 'value', value: cloneable(error) };
  const { name, message, stack } = error;
  const cause = error.cause === undefined || depth >= MAX_CAUSES ? undefined : encodeError(error.cause, depth + 1);
  if (error instanceof TmcaError) {
    return { kind: 'tmca', code: error.code, message, retryable: error.retryable, stack, cause };
  }
  const dom = typeof DOMException !== 'undefined' && error instanceof DOMException;
  return { kind: dom ? 'dom' : 'error', name, message, stack, cause };
}

/** The error that {@link encodeError} was given, as far as its class exists on both sides. */
export function decodeError(wire: ErrorWire): unknown {
  if (wire.kind === 'value') return wire.value;
  const cause = wire.cause === undefined ? undefined : decodeError(wire.cause);
  if (wire.kind === 'tmca') {
    const error = new TmcaError(wire.code, wire.message, { retryable: wire.retryable, cause });
    return withStack(error, wire.stack);
  }
  if (wire.kind === 'dom') return new DOMException(wire.message, wire.name);
  const error = new Error(wire.message, cause === undefined ? undefined : { cause });
  Object.defineProperty(error, 'name', { value: wire.name, configurable: true, writable: true });
  return withStack(error, wire.stack);
}

/** Whatever was thrown as a TmcaError: code `INTERNAL`, with the thrown value as its cause, unless it is one already. */
export function asTmcaError(thrown: unknown, where: string): TmcaError {
  if (thrown instanceof TmcaError) return thrown;
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new TmcaError('INTERNAL', `${where}: must not fail, got ${message}; please report this`, { cause: thrown });
}

/**
 * Teaches comlink to carry thrown TmcaErrors. Called by both ends; a second call changes nothing. comlink has one table for the
 * whole page, which the application may use too: all other errors go on to the handler that was there.
 */
export function carryErrors(): void {
  const before = transferHandlers.get('throw');
  if (!before || installed.has(before)) return;
  const handler: typeof before = {
    canHandle: (value): value is unknown => before.canHandle(value),
    serialize(thrown) {
      const { value } = thrown as { value: unknown };
      return value instanceof TmcaError ? [{ tmcaEdge: encodeError(value) }, []] : before.serialize(thrown);
    },
    deserialize(wire) {
      if (typeof wire === 'object' && wire !== null && 'tmcaEdge' in wire)
        throw decodeError(wire.tmcaEdge as ErrorWire);
      return before.deserialize(wire);
    },
  };
  installed.add(handler);
  transferHandlers.set('throw', handler);
}

const installed = new WeakSet<object>();

function withStack<E extends Error>(error: E, stack: string | undefined): E {
  // The worker's stack says where it failed; the page's would only name comlink.
  if (stack !== undefined) Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  return error;
}

/** The value if structured clone takes it, else what can be said about it: GPUError and functions are not cloneable. */
function cloneable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    const message = (value as { message?: unknown } | null)?.message;
    return typeof message === 'string' ? message : String(value);
  }
}
