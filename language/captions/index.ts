// Captions of published data sets, read into what they say and written again.

import type { Finding } from './finding.js';
import { readLungs, writeLungs } from './lungs.js';
import { readPolyp, writePolyp } from './polyps.js';

/**
 * What a caption says; null for a sentence in no wording that is known, of which nothing may be left out.
 *
 * @example
 * readCaption('one small pink round polyp, located in top left of the image')?.place // ['top left']
 */
export function readCaption(text: string): Finding | null {
  const plain = text.trim().replace(/\s+/g, ' ').toLowerCase();
  return readPolyp(plain) ?? readLungs(plain);
}

/**
 * The finding in the words of its data set: `writeCaption(readCaption(text))` is the caption itself, in lower case.
 *
 * @param vary what each word of size, colour and place in a picture becomes; itself if not given
 */
export const writeCaption = (finding: Finding, vary?: (word: string) => string): string =>
  finding.subject === 'polyp' ? writePolyp(finding, vary) : writeLungs(finding);
