// What a run is asked for, and what comes of it.

import type { AdapterSummary, DeviceChoice } from '../../runtime/types.js';
import type { TrainOverrides } from '../config.js';
import type { StopReason, TrainEvent } from '../events.js';
import type { MetricsLine } from '../run-files/index.js';

export interface TrainOptions extends TrainOverrides {
  /** Data set folder with the splits `train` and `val`. */
  readonly data: string;
  /** The run's folder: new, or one to be resumed. */
  readonly out: string;
  /** A preset, a JSON file, or the content of one. The defaults if not given; the checkpoint's where a run is resumed. */
  readonly config?: string | Readonly<Record<string, unknown>> | undefined;
  /** A model folder to start from; parameters that it does not have begin at random. */
  readonly init?: string | undefined;
  /** Content of a config.json in place of that of `init`: other choices for parameters that fit both. */
  readonly network?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Ends after this many steps in all, resumed ones included. The schedule stays that of the epochs, so that a run in parts
   * is the run in one piece.
   */
  readonly steps?: number | undefined;
  /** Bytes of the device that a step may take; as much as it wants if not given. */
  readonly memory?: number | undefined;
  /** Goes on from the folder's last checkpoint. */
  readonly resume?: boolean | undefined;
  /** Leaves faulty records out in place of refusing the data set. */
  readonly skipBad?: boolean | undefined;
  /** `torch`: PyTorch takes the steps, in a Python process. */
  readonly device?: DeviceChoice | 'torch' | undefined;
  /** For `torch`: a Python that has it; `python3` if not given. */
  readonly python?: string | undefined;
  /** For `torch`: what the network's products are computed in; fp32 if not given. */
  readonly precision?: 'fp32' | 'bf16' | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: TrainEvent) => void) | undefined;
  /** As the user typed it, for run.json; made from the options if not given. */
  readonly command?: string | undefined;
  /** The compiled train/data/decode-worker.ts; the package's own if not given. */
  readonly workerScript?: URL | undefined;
}

export interface TrainResult {
  /** A model folder: the best model by validation Dice, or the last one where nothing was validated. */
  readonly out: string;
  readonly stopped: StopReason;
  /** Steps in all. */
  readonly step: number;
  /** The last epoch's line of metrics.jsonl. */
  readonly last: MetricsLine | null;
  /** The best validation; null where there was none. */
  readonly best: { readonly step: number; readonly epoch: number; readonly score: number } | null;
  readonly seed: number;
  /** Records of every split of the data set. */
  readonly splits: Readonly<Record<string, number>>;
  readonly adapter: AdapterSummary;
}
