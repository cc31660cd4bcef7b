// What the page of a run is made from.

import type { Config } from '../../networks/config.js';
import type { Evaluated } from '../../node/datasets/evaluate.js';
import type { SentenceEvaluation } from '../../node/datasets/evaluate-sentences.js';
import type { MetricsLine, RunInfo } from '../../train/run-files/index.js';
import type { PictureGroup } from './pictures.js';

export interface ReportContent {
  /** The run's folder, by its last name. */
  readonly folder: string;
  /** Null for a folder whose run.json is not there. */
  readonly info: RunInfo | null;
  readonly model: Config;
  readonly lines: readonly MetricsLine[];
  /** Null where no data was at hand, or there is no model yet. */
  readonly test: TestContent | null;
  /** Why there is no test section; one sentence. */
  readonly withoutTest: string | null;
  /** ISO 8601. */
  readonly created: string;
}

export interface TestContent extends Evaluated {
  /** The scores by what the model is told, where they were asked for. */
  readonly sentences: SentenceEvaluation | null;
  readonly data: string;
  readonly split: string;
  /** "webgpu, fp32: NAME". */
  readonly ran: string;
  readonly groups: readonly PictureGroup[];
}
