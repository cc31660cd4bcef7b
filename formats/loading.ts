// What loading a model is asked, and what it says of itself while it goes on.

/** `required`: a model folder whose files cannot all be checked, for want of a manifest.json, is refused (MODEL_UNCHECKED). */
export type IntegrityChoice = 'auto' | 'required';

/** One step of loading: `loaded` of `total` bytes (or pipelines, or classes of shapes); `total` is undefined where a server does not say. */
export interface Progress {
  readonly phase: 'download' | 'tune' | 'weights' | 'compile' | 'ready';
  readonly file?: string;
  readonly loaded: number;
  readonly total?: number;
}
