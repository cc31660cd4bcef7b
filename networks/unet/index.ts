// U-Net, for images alone: the plain network that language has to beat. Its loss is that of TMCA's segmentation, so that a
// comparison is one of networks.

import type { NetworkDefinition } from '../definition.js';
import { flatten, segmentationLoss } from '../losses.js';
import { fields, relations, type UnetConfig } from './config.js';
import { build } from './network.js';

export const unet: NetworkDefinition<UnetConfig> = {
  title: 'U-Net',
  fields,
  relations,
  text: () => null,
  build,
  losses: {
    ofImages: ['segmentation'],
    acrossBatch: {},
    scalars: [],
    perImage: (_, { logits }, target) => ({ segmentation: segmentationLoss(flatten(logits), flatten(target)) }),
  },
  frozen: [],
  maps: () => [],
  describe: ({ channels, form }) => [['network', `U-Net, channels ${channels.join('-')}, form ${form}`]],
};
