// One sentence for each finding, in the words of the captions that models are trained on, with what a picture can show: neither
// anatomy nor millimetres.

import type { Finding } from './types.js';

const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];

const countWord = (count: number): string => WORDS[count] ?? `${count}`;

/** `upper left` is "top left" in captions. */
const captionPlace = (place: string): string =>
  place.replace('upper', 'top').replace('lower', 'bottom').replace('centre', 'center');

/** The sentence with which a finding is segmented. */
export function promptOf(finding: Finding): string {
  return finding.kind === 'polyp' ? polypPrompt(finding) : infectionPrompt(finding);
}

function polypPrompt({ count, size, colour, shape, place_in_image: place }: Finding): string {
  const words = [countWord(count), size, colour, shape?.replaceAll(',', ''), count === 1 ? 'polyp' : 'polyps'];
  const lesion = words.filter(Boolean).join(' ');
  return place ? `${lesion}, located in ${captionPlace(place)} of the image` : lesion;
}

function infectionPrompt({ count, size, shape, place_in_image: place, anatomy }: Finding): string {
  const both = place === 'both lungs';
  const oneSided = !both && /left|right|lingula/.test(place ?? anatomy ?? '');
  const extent = both ? 'bilateral ' : oneSided ? 'unilateral ' : '';
  const area = [countWord(count), size, shape?.replaceAll(',', ''), 'infected', count === 1 ? 'area' : 'areas'];
  const where = both ? 'left lung and right lung' : place;
  return [`${extent}pulmonary infection`, area.filter(Boolean).join(' '), where].filter(Boolean).join(', ');
}
