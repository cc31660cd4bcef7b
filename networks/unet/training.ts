// U-Net in training and in reports. Its loss is that of TMCA's segmentation, so that a comparison is one of networks.

import type { TrainingDefinition } from '../definition.js';
import { flatten, segmentationLoss } from '../losses.js';
import type { UnetConfig } from './config.js';

export const unetTraining: TrainingDefinition<UnetConfig> = {
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
