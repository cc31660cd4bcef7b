// TMCA in training and in reports: its losses, what begins frozen, what is drawn and what a card says.

import type { TrainingDefinition } from '../definition.js';
import type { TmcaConfig } from './config.js';
import { losses } from './losses.js';

function imageEncoder(c: TmcaConfig): string {
  const widths = [...c.stemDims, ...c.dims].join('-');
  if (c.imageEncoder === 'unet') return `the descending half of a U-Net, widths ${widths}`;
  const stem = c.stemDims.length > 0 ? `, after convolutions of widths ${c.stemDims.join('-')}` : '';
  return `ConvNeXt, depths ${c.depths.join('-')}, widths ${c.dims.join('-')}${stem}`;
}

function describe(c: TmcaConfig): [string, string][] {
  const kind = c.targetInformed ? 'target-informed (TSDM)' : 'plain';
  const alignment =
    c.levels.length === 0
      ? 'none'
      : `${kind} at ${c.levels.join(', ')}, weight ${c.contrastiveWeight}, temperatures ${c.tauTarget} and ${c.tauSimilarity}`;
  const enhancement = c.enhance ? `on, temperature ${c.tauEnhance}, ${c.ltemNormalize}, ${c.ltemApply}` : 'off';
  return [
    ['image encoder', imageEncoder(c)],
    ['text encoder', `BERT, ${c.textLayers} layers of width ${c.textDim}, up to ${c.maxTextLength} tokens`],
    ['alignment', `${alignment}; enhancement (LTEM) ${enhancement}`],
  ];
}

export const tmcaTraining: TrainingDefinition<TmcaConfig> = {
  losses,
  frozen: ['text_encoder'],
  maps: ({ enhance }) =>
    enhance ? ['32', '16', '8'].map((stride, i) => [`enhancement.${i + 1}`, `LTEM at stride ${stride}`]) : [],
  describe,
};
