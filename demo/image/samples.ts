// Thumbnails: the user's pictures, and the samples that a server may have beside the page.

import type { Picture } from './record.js';

export interface Sample {
  readonly file: string;
  readonly text: string;
  readonly attribution: string;
}

/** Lists the samples of a folder; none where there is no list. */
async function listSamples(folder: string): Promise<Sample[]> {
  const response = await fetch(`${folder}/samples.json`).catch(() => undefined);
  return response?.ok ? ((await response.json()) as Sample[]) : [];
}

function thumbnail(src: string, alt: string, onPick: () => void): HTMLLIElement {
  const image = Object.assign(new Image(), { src, alt, loading: 'lazy' as const });
  const button = Object.assign(document.createElement('button'), { type: 'button', title: alt });
  button.append(image);
  button.addEventListener('click', onPick);
  const item = document.createElement('li');
  item.append(button);
  return item;
}

/** Fills `list` with a button for each sample. `onPick` gets the image's file; errors of fetching it go to `onError`. */
export async function showSamples(
  list: HTMLElement,
  folder: string,
  onPick: (file: Blob, sample: Sample) => void,
  onError: (error: unknown) => void,
): Promise<void> {
  const samples = await listSamples(folder);
  for (const sample of samples) {
    const src = `${folder}/${sample.file}`;
    const pick = async () => {
      try {
        const response = await fetch(src);
        if (!response.ok) throw new Error(`${sample.file}: the server answered ${response.status}`);
        onPick(await response.blob(), sample);
      } catch (error) {
        onError(error);
      }
    };
    const item = thumbnail(src, sample.text, () => void pick());
    item.dataset.file = sample.file;
    list.append(item);
  }
  list.hidden = samples.length === 0;
}

/** Marks the sample that is on the stage. */
export function markSample(list: HTMLElement, file: string): void {
  for (const item of list.children) markCurrent(item as HTMLElement, (item as HTMLElement).dataset.file === file);
}

function markCurrent(item: HTMLElement, isCurrent: boolean): void {
  const button = item.querySelector('button')!;
  if (isCurrent) button.setAttribute('aria-current', 'true');
  else button.removeAttribute('aria-current');
}

/** The row of opened pictures; the one on the stage is marked. */
export function showPictures(
  list: HTMLElement,
  pictures: readonly Picture[],
  current: Picture | undefined,
  onPick: (picture: Picture) => void,
): void {
  const known = new Map([...list.children].map(item => [(item as HTMLElement).dataset.id, item as HTMLElement]));
  const items = pictures.map(picture => {
    const item = known.get(String(picture.id)) ?? thumbnail(picture.url, picture.name, () => onPick(picture));
    item.dataset.id = String(picture.id);
    markCurrent(item, picture === current);
    return item;
  });
  if (items.length !== list.children.length || items.some((item, at) => item !== list.children[at]))
    list.replaceChildren(...items);
  list.hidden = items.length === 0;
}
