// Wordings that training never uses: an evaluation on them is of sentences that a model has not seen. Nothing here is chosen,
// so that scores can be compared.

import type { Cell, Finding, LungPlace } from './finding.js';
import { areas, lungWords } from './lungs.js';
import { cellsOf, counted, listed, phrase, shapeAdjective, singular } from './words.js';

/** "There is a small pink round-shaped polyp at the top left." */
export function paraphrase(finding: Finding): string {
  const { count, size, colour, shape, noun, place, extent } = finding;
  if (finding.subject === 'lung') {
    const lungs = extent === null ? '' : extent === 'bilateral' ? ' of both lungs' : ' of one lung';
    const where = listed((place as readonly LungPlace[]).map(at => `the ${lungWords(at)}`));
    const number = count === null ? '' : `, in ${areas(count).replace('infected ', '')}`;
    return `There is an infection${lungs}${number}${where && `${number ? ': ' : ', affecting '}${where}`}.`;
  }
  const shaped = shape === null ? '' : `${shapeAdjective(shape).replace(/-shaped$/, '')}-shaped`;
  const thing = counted(count, phrase(listed(size), colour, shaped, singular(noun)));
  const where = listed(cellsOf(finding).map(cell => `the ${cell}`));
  return `There ${(count ?? 1) > 1 ? 'are' : 'is'} ${thing}${where && ` at ${where}`}.`;
}

const QUADRANTS: Readonly<Record<Cell, string>> = {
  ...{ 'top left': 'left upper quadrant', top: 'upper third', 'top right': 'right upper quadrant' },
  ...{ left: 'left third', center: 'central third', right: 'right third' },
  ...{ 'bottom left': 'left lower quadrant', bottom: 'lower third', 'bottom right': 'right lower quadrant' },
};

/** "Colonoscopy reveals a small pink round polypoid lesion in the left upper quadrant." */
export function clinical(finding: Finding): string {
  const { count, size, colour, shape, place } = finding;
  if (finding.subject === 'lung') {
    const zones = (place as readonly LungPlace[]).map(({ zones, side }) =>
      zones[0] === 'all' ? `all ${side} zones` : `${side} ${listed(zones)} zone${zones.length > 1 ? 's' : ''}`,
    );
    return `Opacities consistent with pneumonia${zones.length > 0 ? `, ${zones.join('; ')}` : ''}.`;
  }
  const thing = counted(count, phrase(listed(size), colour, shape && shapeAdjective(shape), 'polypoid lesion'));
  const where = listed(cellsOf(finding).map(cell => `the ${QUADRANTS[cell]}`));
  return `Colonoscopy reveals ${thing}${where && ` in ${where}`}.`;
}
