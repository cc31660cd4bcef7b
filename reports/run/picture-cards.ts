// Cards of the pictures: outlines over the photo, the sentence, LTEM's maps.

import { type Html, html } from '../html.js';
import { LESS, MORE } from './heat-map.js';
import type { Picture, PictureGroup } from './pictures.js';

type Maps = readonly (readonly [output: string, title: string])[];

const EXPLAINED = { Best: 'highest Dice', Median: 'in the middle', Worst: 'lowest Dice' } as const;

/** @param named the network's maps, in the order of the pictures' */
export function pictureSection(groups: readonly PictureGroup[], named: Maps): Html | null {
  if (groups.length === 0) return null;
  const gated = groups.some(({ pictures }) => pictures.some(({ maps }) => maps.length > 0));
  const gradient = `background:linear-gradient(90deg,rgb(${LESS.join()}),#ccc,rgb(${MORE.join()}))`;
  // all cards alike, whatever the size of their pictures
  const [first] = groups[0]!.pictures;
  const ratio = `aspect-ratio:${first!.width}/${first!.height}`;
  return html`<h2>Pictures</h2>
<p class="note"><span class="key"></span>predicted<span class="key dashed"></span>the data set's mask</p>
${!gated && named.length > 0 && html`<p class="note">Without the network's maps: no WebGPU adapter was at hand to compute them.</p>`}
${gated && html`<p class="note">Small maps: where the network weakens<span class="scale" style="${gradient}"></span>and strengthens the features, with the least and greatest factor relative to the map's mean.</p>`}
${groups.map(
  ({ name, pictures }, group) => html`<h3>${name} <small class="note">${EXPLAINED[name]}</small></h3>
<div class="cards">${pictures.map((picture, i) => card(picture, `photo-${group}-${i}`, ratio, named))}</div>`,
)}`;
}

function card(picture: Picture, id: string, ratio: string, named: Maps): Html {
  const { width, height, photo, predicted, marked, text, score, maps } = picture;
  const outline = (path: string, style: string, stroke: number, dash?: string) =>
    html`<path class="outline ${style}" d="${path}" stroke-width="${stroke}"${dash && html` stroke-dasharray="${dash}"`}/>`;
  return html`<figure class="card"><svg class="photo" style="${ratio}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${text ?? score.id}">
<image id="${id}" href="${photo}" width="${width}" height="${height}" preserveAspectRatio="none"/>
${outline(marked, 'halo', 4)}${outline(predicted, 'halo', 4)}${outline(marked, 'truth', 2, '6 4')}${outline(predicted, 'seen', 2)}
</svg>
<div class="words"><b>${score.dice.toFixed(3)}</b>${text !== null && html`<q>${text}</q>`}<small>IoU ${score.iou.toFixed(3)} · ${score.id}</small></div>
${maps.length > 0 && html`<div class="maps">${maps.map((map, i) => heat(map, named[i]![1], picture, id, ratio))}</div>`}</figure>`;
}

function heat(
  { png, low, high }: Picture['maps'][number],
  name: string,
  { width, height }: Picture,
  id: string,
  ratio: string,
): Html {
  return html`<div><svg style="${ratio}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${name}"><use href="#${id}" style="filter:grayscale(1)"/><image href="${png}" width="${width}" height="${height}" preserveAspectRatio="none"/></svg>${name}<br>${low.toFixed(2)} – ${high.toFixed(2)}</div>`;
}
