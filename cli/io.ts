// What the command may touch of its process, so that tests run it in theirs.

/** A stream that text goes to. */
export interface Sink {
  /** Settles when the text is on its way: await it where much is written. */
  write(text: string): Promise<void>;
}

export interface Io {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** The terminal behind stderr, for a progress bar; null where there is none. */
  readonly terminal: NodeJS.WriteStream | null;
  /** Fires when the user wants to stop. */
  readonly signal: AbortSignal;
}
