// Named configurations of training, of all networks: data alone, so that the command's help can list them and load nothing else.

import { tmcaPresets } from './tmca/presets.js';
import { unetPresets } from './unet/presets.js';

export const PRESETS = { ...tmcaPresets, ...unetPresets } as const;

export type Preset = keyof typeof PRESETS;
