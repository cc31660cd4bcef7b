// What errors mean to a stream, callbacks of the caller's, and waiting.

import type { ErrorCode, TmcaError } from '../../../errors/index.js';

const FATAL: readonly ErrorCode[] = ['DISPOSED', 'BAD_ARGUMENT', 'TEXT_EMPTY', 'TEXT_REQUIRED', 'TEXT_NOT_TAKEN'];
const DEATHS: readonly ErrorCode[] = ['WORKER_DIED', 'WORKER_FAILED'];

/** No frame is the cause: the next one would fail too. */
export const isFatal = ({ code }: TmcaError): boolean => FATAL.includes(code);

/** The worker is gone. */
export const isDeath = ({ code }: TmcaError): boolean => DEATHS.includes(code);

/** The caller's callback, with its errors on the console: they must not disturb the stream. */
export function guarded<T>(
  where: string,
  name: string,
  callback: ((value: T) => void) | undefined,
): (value: T) => void {
  return value => {
    try {
      callback?.(value);
    } catch (error) {
      console.error(`${where}: ${name} threw`, error);
    }
  };
}

/** Resolves after so many milliseconds, or when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
