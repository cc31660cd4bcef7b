// What a checkpoint of a network must hold.

import type { Config } from '../model/config.js';
import { parametersOf, type Shape } from '../model/graph.js';
import { namedOutputs } from '../model/outputs.js';
import { tmca, tmcaInputs } from '../model/tmca.js';

/** Names and shapes of the parameters of a network. */
export function expectedParameters(config: Config): ReadonlyMap<string, Shape> {
  return parametersOf(namedOutputs(tmca(config, tmcaInputs(config, 1, 1))));
}
