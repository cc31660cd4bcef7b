// TMCA, Target-informed Multi-level Contrastive Alignments: an image encoder (ConvNeXt), a text encoder (BERT), a decoder that
// lets image regions attend to words, a contrastive loss at several levels, and gates by what the sentence says.

import type { NetworkDefinition } from '../definition.js';
import { complete, fields, relations, type TmcaConfig } from './config.js';
import { build } from './network.js';

export const tmca: NetworkDefinition<TmcaConfig> = {
  title: 'TMCA',
  fields,
  complete,
  relations,
  text: ({ vocabSize, maxTextLength, maxPositions, text }) => ({
    ...{ vocabSize, maxPositions, maxLength: maxTextLength, optional: text === 'optional' },
  }),
  // A network with a text is always given its leaves.
  build: (config, { image, ids, mask }, mode) => build(config, { image, ids: ids!, mask: mask! }, mode),
};
