// Whether a network reads sentences, as an open session's `info.model` says it.

import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { TextUse } from '../sentence.js';

export function textUse(config: Config): TextUse {
  const { text } = Network.of(config);
  const use = text?.optional ? 'optional' : 'required';
  return { name: config.name, text: text ? use : 'none' };
}
