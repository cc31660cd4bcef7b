// Where results go: names that do not collide, and a folder that can be written before any work is done for it.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { TmcaError } from '../errors/index.js';
import { cleanUp, temporaryIn } from '../node/temporary.js';

export interface ImageOutputs {
  readonly mask: string;
  readonly overlay: string;
  /** Where it is asked for. */
  readonly probability?: string;
}

/** Ends of the names of what `tmca segment` writes. */
const ENDS = { mask: '.mask.png', overlay: '.overlay.png', probability: '.probability.png' } as const;

/** Whether a file has the name of a result: in a folder that results go to, it is no image to be segmented. */
export const isResult = (path: string): boolean => Object.values(ENDS).some(end => path.endsWith(end));

/**
 * Output paths for each image: NAME is the image's own without its extension; a second image of that name becomes NAME-2.
 * Upper and lower case count as one, as they do on many disks.
 */
export function nameOutputs(images: readonly string[], folder: string, probability = false): ImageOutputs[] {
  const taken = new Set<string>();
  return images.map(image => {
    const { name } = parse(image);
    let unique = name;
    for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${name}-${n}`;
    taken.add(unique.toLowerCase());
    const path = (kind: keyof typeof ENDS) => join(folder, `${unique}${ENDS[kind]}`);
    const both = { mask: path('mask'), overlay: path('overlay') };
    return probability ? { ...both, probability: path('probability') } : both;
  });
}

/** Makes the folder and writes a byte to it: rights alone do not tell (full disks, read-only mounts). Errors: OUTPUT_NOT_WRITABLE. */
export async function prepareFolder(folder: string, where: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await cleanUp(folder);
    const probe = temporaryIn(folder);
    await writeFile(probe, '\n', { flag: 'wx' });
    await rm(probe);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'an error';
    const message = `${where}: the output folder must be writable, got ${code} for ${folder}; choose another --out`;
    throw new TmcaError('OUTPUT_NOT_WRITABLE', message, { cause });
  }
}
