// Named configurations of `tmca train --config` for U-Net, as files would have them. What a preset does not say is the default.

import { tmcaPresets } from '../tmca/presets.js';

const { model: _, freeze: __, ...recipe } = tmcaPresets.nano;

/** Keys as in a configuration file; checked like one (`parseTrainConfig`). */
export const unetPresets = {
  /** A U-Net of the size of the shipped model, trained by the same recipe and told nothing: what a sentence has to be worth. */
  'unet-nano': {
    ...recipe,
    model: { network: 'unet', name: 'unet-nano-128', image_size: 128, channels: [26, 52, 104, 208, 416] },
  },
} as const satisfies Readonly<Record<string, object>>;
