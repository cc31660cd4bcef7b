// The public shapes of the package: what goes into a segmentation and what comes out. No code; shared by the engines,
// the worker API and the command.

import type { IntegrityChoice, Progress, StoreChoice, StoreInfo } from '../formats/loading.js';
import type { EngineId } from './engines/names.js';

export type { IntegrityChoice, Progress, StoreChoice, StoreInfo };

/** Decoded pixels, row by row, 8 bits a channel: grey (1), RGB (3) or RGBA (4). Alpha is dropped over black. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
}

export type DeviceChoice = 'auto' | EngineId;
export type DTypeChoice = 'auto' | 'fp32' | 'fp16' | 'int8';
export type DType = 'fp32' | 'fp16' | 'int8';

export type TuneChoice = boolean | 'refresh' | 'kept' | 'integer';

/** What a WebGPU adapter says of itself, or what stands in its place for the wasm engine. */
export interface AdapterSummary {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** Runs on the CPU (SwiftShader, llvmpipe). */
  readonly software: boolean;
  readonly features: readonly string[];
}

export interface SessionOptions {
  readonly device?: DeviceChoice;
  readonly dtype?: DTypeChoice;
  /**
   * For the wasm engine in a page: address of a folder with the files of onnxruntime-web, where they are not served from where a
   * bundler put them. Node has its own.
   */
  readonly wasmPaths?: string;
  /**
   * Whether kernels are fitted to the adapter by measuring. True, if not given: on hardware, for at most two seconds at the first
   * opening, and what was found is kept for the next ones; software adapters have fixed profiles. False: the profile of the
   * adapter's kind decides. 'refresh': measured anew, on any adapter;
   * 'kept': on any adapter, and what was kept before is used; 'integer': nothing is measured, and int8 weights are multiplied in
   * whole numbers, activations rounded to int8 row by row, whether the model's maker found that good enough or not.
   */
  readonly tune?: TuneChoice;
  /** `auto` if not given: what the folder's manifest.json says is checked, and `info.integrity` says whether that is all. */
  readonly integrity?: IntegrityChoice;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** A sentence, encoded once: everything that depends on the text alone stays on the device behind it. */
export interface Report {
  readonly text: string;
  /** Token ids with [CLS] and [SEP], unpadded. */
  readonly ids: Int32Array;
  /** True when the text was longer than the model's limit; a warning was given. */
  readonly truncated: boolean;
  dispose(): void;
}

export interface Lesion {
  /** Mean probability over the lesion's pixels, 0..1. */
  readonly score: number;
  /** x, y, width, height in source pixels. */
  readonly box: readonly [number, number, number, number];
  /** In source pixels. */
  readonly area: number;
  /** Outer contour in source pixels: x0, y0, x1, y1, … along pixel centres, closed implicitly. */
  readonly contour: Int32Array;
  /** Contour of each hole in the same form: along the lesion's pixels round it, in the other direction. Most lesions have none. */
  readonly holes: readonly Int32Array[];
}

export interface SegmentOptions {
  /** Probability from which a pixel belongs to a lesion; 0.5 if not given. */
  readonly threshold?: number;
  /** Share of the view, 0..1: what is smaller is no lesion, and `omitted` counts it; 0.0005 if not given. */
  readonly minArea?: number;
  readonly signal?: AbortSignal;
}

/** What a caller should know of a result; the codes are stable. */
export interface Warning {
  /**
   * IMAGE_FLAT: the picture has one colour all over, in which no lesion is looked for. IMAGE_NOTE: something of how the file was
   * read. MODEL_UNCHECKED, MODEL_NOT_STORED: see `info.integrity` and `info.store`; told with a session's first result.
   */
  readonly code: 'IMAGE_FLAT' | 'IMAGE_NOTE' | 'MODEL_UNCHECKED' | 'MODEL_NOT_STORED';
  /** One sentence. */
  readonly message: string;
}

/** What made a result, so that a mask never stands without the sentence that it is of. */
export interface Made {
  /** The sentence; null where there was none. */
  readonly text: string | null;
  readonly threshold: number;
  readonly minArea: number;
  readonly model: { readonly name: string; readonly hash: string };
  readonly device: EngineId;
  readonly dtype: DType;
}

export interface Segmentation {
  /** Size of the source image, and of `mask`. */
  readonly width: number;
  readonly height: number;
  /** [height, width], 0 or 1: the pixels of `lesions`, and no others. */
  readonly mask: Uint8Array;
  /** 8-connected components of the mask, largest first. */
  readonly lesions: readonly Lesion[];
  /** Components that are smaller than `minArea`: how many, and their source pixels together. */
  readonly omitted: { readonly count: number; readonly area: number };
  readonly warnings: readonly Warning[];
  readonly made?: Made;
  /** The network's own output, sigmoid applied: [size, size], before resizing to the source. */
  readonly probability: Float32Array;
  readonly size: number;
  /** Milliseconds: preparing the image, the network, the mask and lesions, and all of it. */
  readonly ms: {
    readonly preprocess: number;
    readonly network: number;
    readonly postprocess: number;
    readonly total: number;
  };
}

export interface SessionInfo {
  readonly device: EngineId;
  readonly dtype: DType;
  readonly adapter: AdapterSummary;
  /** Why this engine and precision run: one sentence. */
  readonly reason: string;
  /**
   * `checked`: the model's files have the lengths and hashes of its manifest.json, or, of the shipped model, those that the package
   * knows. `unchecked`: of one file or more none are known, so that a damaged model cannot be told from a whole one.
   */
  readonly integrity: 'checked' | 'unchecked';
  /** In a page, of a model that is named by its address: whether its files are kept, and how many of their bytes were. */
  readonly store?: StoreInfo;
  readonly model: {
    readonly name: string;
    readonly hash: string;
    readonly imageSize: number;
    /** Whether it reads a sentence; `optional`: it has been trained without one too. */
    readonly text: 'required' | 'optional' | 'none';
    /** Tokens of the longest sentence that is read whole; 0 where none is. */
    readonly maxTextLength: number;
  };
}

/** How kernels are cut for the adapter, and who said so. */
export interface TuningStats {
  /** Name of the profile of the adapter's kind; `default` where its kind is not known. */
  readonly profile: string;
  /**
   * By class of shapes ("linear-vec4 f16/i8 4096x512x128": kernel, what calls have in common, sizes rounded up to powers of two), of the
   * programs there are: those for longer texts are made with the first of them, or to be tuned.
   */
  readonly variants: Readonly<
    Record<string, { readonly variant: string; readonly source: 'default' | 'profile' | 'cache' | 'timed' | 'asked' }>
  >;
  /** Variants that computed wrong on this device, and are not used. */
  readonly rejected: readonly { readonly kernel: string; readonly variant: string; readonly reason: string }[];
  /** Milliseconds by class of shapes and variant, of what was timed at this opening. */
  readonly timed: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What else there is to say: a kept tuning that was not used, classes that there was no time for. */
  readonly notes: readonly string[];
}

export interface SessionStats extends SessionInfo {
  readonly frames: number;
  readonly reports: number;
  /** How often a lost device was replaced by a new one. */
  readonly recoveries: number;
  /** Dispatches of one frame and of one text; 0 in wasm, which has none. */
  readonly dispatches: { readonly frame: number; readonly text: number };
  /** Bytes on the device. `arena` holds activations and is planned once. In wasm, `weights` is what wasm memory was given. */
  readonly gpuBytes: { readonly weights: number; readonly arena: number; readonly other: number };
  /** Null in wasm. */
  readonly tuning: TuningStats | null;
}

/** A model on a device. Calls may overlap; they run in the order they were made, and one that fails spoils no other. */
export interface Session {
  readonly info: SessionInfo;
  /** Errors: TEXT_EMPTY, TEXT_NOT_TAKEN, VOCABULARY_INVALID (a folder without vocab.txt), ABORTED, DISPOSED, DEVICE_LOST. */
  encodeReport(text: string, options?: { readonly signal?: AbortSignal }): Promise<Report>;
  /**
   * `null` in place of a report for a network that takes an image alone, or one that its sentence is optional for.
   *
   * Errors: BAD_ARGUMENT, TEXT_REQUIRED, TEXT_NOT_TAKEN, ABORTED, DISPOSED, DEVICE_LOST.
   */
  segment(image: Pixels, report: Report | null, options?: SegmentOptions): Promise<Segmentation>;
  stats(): SessionStats;
  /** Frees everything on the device. Twice is fine; pending calls reject with DISPOSED. */
  dispose(): void;
}
