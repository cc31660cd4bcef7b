// What the browser test of training finds on the page: the public API of `tmca-edge/train`.

import { describePlan, Trainer } from '../../../train/index.js';

const trainPage = { Trainer, describePlan };

declare global {
  /** What `page.evaluate` calls. */
  var training: typeof trainPage;
}
globalThis.training = trainPage;
