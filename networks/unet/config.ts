// The configuration of one U-Net. Field names are those of the reference's UNetConfig.

import { choice, type Fields, integer, isInteger, taken } from '../fields.js';

export interface UnetConfig {
  /** Side of the square input, in pixels; a multiple of the stride of the deepest map. */
  readonly imageSize: number;
  /** Channels of the image. */
  readonly inChannels: number;
  /** Channels of each level, the finest first; each level but the first halves the map. */
  readonly channels: readonly number[];
  /**
   * `transposed`: that of milesial/Pytorch-UNet, whose learned up-convolution halves the channels. `lvit`: the network in
   * LViT's repository, whose up-convolution keeps them and whose finest level has one convolution.
   */
  readonly form: 'transposed' | 'lvit';
  /** It reads no sentence. */
  readonly text: 'none';
}

/** The standard values are those of the original network of 2015, at 224 x 224. */
export const fields: Fields<UnetConfig> = {
  imageSize: integer('image_size', 224, 2, 2048),
  inChannels: { key: 'in_channels', rule: '3', read: taken(value => value === 3), standard: 3 },
  channels: {
    key: 'channels',
    rule: 'a list of 2 to 8 integers from 1 to 4096',
    read: taken(
      value =>
        Array.isArray(value) && value.length >= 2 && value.length <= 8 && value.every(n => isInteger(n, 1, 4096)),
    ),
    standard: [64, 128, 256, 512, 1024],
  },
  form: choice('form', ['transposed', 'lvit'], 'transposed'),
  text: choice('text', ['none'], 'none'),
};

export function relations({ imageSize, channels, form }: UnetConfig): string[] {
  const broken: string[] = [];
  const stride = 2 ** (channels.length - 1);
  if (imageSize % stride !== 0)
    broken.push(
      `image_size must be a multiple of ${stride} (channels has ${channels.length} levels), got ${imageSize}`,
    );
  const deepest = channels.at(-1)!;
  if (form === 'lvit' && deepest % 2 !== 0)
    broken.push(`the last of channels must be even in the form lvit, got ${deepest}`);
  return broken;
}
