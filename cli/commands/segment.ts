// `tmca segment` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import {
  deviceOption,
  dtypeOption,
  integrityOption,
  jsonOption,
  minAreaOption,
  modelOption,
  thresholdOption,
  tuneOption,
} from '../options.js';

export function addSegment(program: Command, context: Context): void {
  program
    .command('segment')
    .summary('mark lesions in images')
    .description(
      'Writes NAME.mask.png (0 and 255, size of the image) and NAME.overlay.png for each image; of a folder, for all images in ' +
        'it. Images of one name get NAME, NAME-2, … If an image cannot be read, the command stops there; what is done before it stays and is listed.',
    )
    .argument('<images...>', 'JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP files, or folders of them')
    .option(
      '--text <sentence>',
      'what is to be seen, such as "one small pink polyp, located in center of the image"; may be left out for a model that needs none',
    )
    .addOption(
      new Option(
        '--report <file>',
        'a routine report in place of a sentence: each image is segmented once for each of its findings, and further results are NAME-2, …',
      ).conflicts('text'),
    )
    .addOption(modelOption())
    .option('--out <folder>', 'where the files go', 'tmca-out')
    .option('--probability', 'also write NAME.probability.png: 16 bits of grey, 0 to 65535 for 0 to 1')
    .addOption(thresholdOption())
    .addOption(minAreaOption())
    .addOption(integrityOption())
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(tuneOption())
    .addOption(jsonOption())
    .addOption(
      new Option('--rle', "as --json, with each mask as COCO's compressed run lengths (pycocotools)").implies({
        json: true as const,
      }),
    )
    .action(async (images, options) => (await import('../actions/segment.js')).segment(images, options, context));
}
