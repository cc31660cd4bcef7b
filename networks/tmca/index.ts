// TMCA, Target-informed Multi-level Contrastive Alignments: an image encoder (ConvNeXt), a text encoder (BERT), a decoder that
// lets image regions attend to words, a contrastive loss at several levels, and gates by what the sentence says.

import type { NetworkDefinition } from '../definition.js';
import { complete, fields, relations, type TmcaConfig } from './config.js';
import { losses } from './losses.js';
import { build } from './network.js';

function describe(c: TmcaConfig): [string, string][] {
  const kind = c.targetInformed ? 'target-informed (TSDM)' : 'plain';
  const alignment =
    c.levels.length === 0
      ? 'none'
      : `${kind} at ${c.levels.join(', ')}, weight ${c.contrastiveWeight}, temperatures ${c.tauTarget} and ${c.tauSimilarity}`;
  const enhancement = c.enhance ? `on, temperature ${c.tauEnhance}, ${c.ltemNormalize}, ${c.ltemApply}` : 'off';
  return [
    ['image encoder', `ConvNeXt, depths ${c.depths.join('-')}, widths ${c.dims.join('-')}`],
    ['text encoder', `BERT, ${c.textLayers} layers of width ${c.textDim}, up to ${c.maxTextLength} tokens`],
    ['alignment', `${alignment}; enhancement (LTEM) ${enhancement}`],
  ];
}

export const tmca: NetworkDefinition<TmcaConfig> = {
  title: 'TMCA',
  fields,
  complete,
  relations,
  text: ({ vocabSize, maxTextLength, maxPositions }) => ({ vocabSize, maxLength: maxTextLength, maxPositions }),
  // A network with a text is always given its leaves.
  build: (config, { image, ids, mask }, mode) => build(config, { image, ids: ids!, mask: mask! }, mode),
  losses,
  frozen: ['text_encoder'],
  maps: ({ enhance }) =>
    enhance ? ['32', '16', '8'].map((stride, i) => [`enhancement.${i + 1}`, `LTEM at stride ${stride}`]) : [],
  describe,
};
