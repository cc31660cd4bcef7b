// The one error type of the package. This folder sits below everything, so that every layer throws the same kind.

/** Stable codes. A code is never renamed or reused; the messages may improve. */
export type ErrorCode =
  // what the caller gave
  | 'BAD_ARGUMENT'
  | 'BAD_USAGE'
  | 'FILE_NOT_FOUND'
  | 'FILE_UNREADABLE'
  | 'OUTPUT_NOT_WRITABLE'
  | 'IMAGE_UNREADABLE'
  | 'IMAGE_TOO_LARGE'
  | 'TEXT_EMPTY'
  | 'TEXT_REQUIRED'
  | 'TEXT_NOT_TAKEN'
  | 'VOCABULARY_INVALID'
  | 'DATASET_INVALID'
  // model files
  | 'SAFETENSORS_INVALID'
  | 'CONFIG_INVALID'
  | 'MODEL_INCOMPLETE'
  | 'MODEL_MISMATCH'
  | 'MODEL_NOT_FINITE'
  | 'MANIFEST_MISMATCH'
  | 'MODEL_UNCHECKED'
  | 'DOWNLOAD_FAILED'
  // graph and plan
  | 'SHAPE_MISMATCH'
  | 'ACCURACY_LOST'
  | 'UNSUPPORTED'
  | 'PACKAGE_MISSING'
  // devices
  | 'NO_WEBGPU'
  | 'NO_ADAPTER'
  | 'ENGINE_UNAVAILABLE'
  | 'ENGINE_FAILED'
  | 'DEVICE_LOST'
  | 'GPU_OUT_OF_MEMORY'
  | 'GPU_LIMIT'
  | 'SHADER_INVALID'
  | 'GPU_FAILED'
  // lifecycle
  | 'RUN_BUSY'
  | 'ABORTED'
  | 'SUPERSEDED'
  | 'DISPOSED'
  | 'WORKER_FAILED'
  | 'WORKER_DIED'
  | 'OUT_OF_MEMORY'
  | 'INTERNAL';

export interface ErrorOptions {
  /** True where the same call may succeed if made again (a lost device, a dropped download). */
  retryable?: boolean;
  cause?: unknown;
}

/**
 * An error with a stable `code`. Messages read `<function>: <what must hold>, got <values>; <what to do>`.
 *
 * @example
 * try { await open(folder) } catch (e) { if (e instanceof TmcaError && e.code === 'MODEL_INCOMPLETE') … }
 */
export class TmcaError extends Error {
  override readonly name = 'TmcaError';
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** Throws `BAD_ARGUMENT`-like errors where a condition does not hold. */
export function check(condition: unknown, code: ErrorCode, message: string | (() => string)): asserts condition {
  if (!condition) throw new TmcaError(code, typeof message === 'string' ? message : message());
}

/** What a call rejects with when its signal has fired. */
export const aborted = (where: string, signal: AbortSignal | undefined): TmcaError =>
  new TmcaError('ABORTED', `${where}: stopped by its signal`, { cause: signal?.reason });

/** Throws `ABORTED` if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, where: string): void {
  if (signal?.aborted) throw aborted(where, signal);
}
