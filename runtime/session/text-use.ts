// Whether a network reads sentences, as an open session's `info.model` says it.

import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { TextUse } from '../sentence.js';

export const textUse = (config: Config): TextUse => ({
  name: config.name,
  text: Network.of(config).text ? 'required' : 'none',
});
