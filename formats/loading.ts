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

/** `off`: nothing is kept, and nothing that was kept is used. */
export type StoreChoice = 'auto' | 'off';

/** Where the files of a model came from. */
export interface StoreInfo {
  /** Where the browser keeps them; null where it cannot. */
  readonly place: 'OPFS' | 'Cache API' | null;
  /**
   * How a kept file is told to be the right one. `sha256`: by its hash, which the manifest or the package says. `address`: of one
   * file or more no hash is known, and they are told by their address, entity tag or date, and length.
   */
  readonly by: 'sha256' | 'address';
  /** Bytes that came over the network. */
  readonly downloaded: number;
  /** Bytes that were there. */
  readonly kept: number;
  /** Why there is no place, or why something could not be kept there: one sentence. */
  readonly note: string | null;
}
