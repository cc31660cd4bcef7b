// U-Net, for images alone: the plain network that language has to beat.

import type { NetworkDefinition } from '../definition.js';
import { fields, relations, type UnetConfig } from './config.js';
import { build } from './network.js';

export const unet: NetworkDefinition<UnetConfig> = {
  title: 'U-Net',
  fields,
  relations,
  text: () => null,
  build,
};
