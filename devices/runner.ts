// What the benchmark asks of whoever runs the network: ours and its peers alike.

/** The same for every runner. */
export interface BenchInputs {
  /** [3,S,S], normalised. */
  readonly image: Float32Array;
  readonly size: number;
  /** Token ids of one sentence, unpadded. */
  readonly ids: Int32Array;
}

/** Milliseconds from the call; null where a runner does not tell them apart. */
export interface OpenTimes {
  /** Until the weights are where they are used. */
  readonly load: number | null;
  /** Until the kernels are compiled, at the same time as `load` where they overlap. */
  readonly compile: number | null;
}

export interface Runner {
  readonly name: string;
  readonly version: string;
  open(): Promise<OpenTimes>;
  /** Encodes the sentence and keeps what frames need of it; settles when the work is done. */
  text(): Promise<void>;
  /** One frame from the image in memory to logits [S,S] in memory. After `text`. */
  frame(): Promise<Float32Array>;
  /** Twice is fine. */
  dispose(): Promise<void>;
}
