// Pictures to train on, each with a mask and a sentence.

import { button, node, write } from '../dom.js';
import type { Named } from '../files.js';
import { isMask, sortFiles } from '../files.js';
import { drawLesions, TRUTH } from '../image/draw.js';
import type { Truth } from '../image/record.js';
import { readTruth } from '../image/remask.js';

export interface Example {
  readonly name: string;
  readonly image: Blob;
  /** An object URL of the image, for as long as the page lives: a comparison may outlast the list. */
  readonly url: string;
  readonly mask: Blob;
  readonly truth: Truth;
  text: string;
}

/** A data set's own list, if it is among the files: sentences by the names of images. */
async function sentencesOf(files: readonly Named[]): Promise<ReadonlyMap<string, string>> {
  const list = files.find(({ file }) => file.name === 'dataset.json');
  if (!list) return new Map();
  const { records = [] } = JSON.parse(await list.file.text()) as { records?: { image: string; text?: unknown }[] };
  return new Map(
    records.map(({ image, text }) => [image.slice(image.lastIndexOf('/') + 1), typeof text === 'string' ? text : '']),
  );
}

const SIDE = 132;

export class ExampleList {
  readonly all: Example[] = [];

  constructor(
    private readonly list: HTMLElement,
    private readonly onChange: (notes: readonly string[]) => void,
  ) {}

  /** Adds pairs of image and mask; what cannot be used is named. */
  async add(files: readonly Named[]): Promise<void> {
    const notes: string[] = [];
    const sentences = await sentencesOf(files).catch(() => {
      notes.push('dataset.json is no JSON that can be read; its sentences were left out.');
      return new Map<string, string>();
    });
    const { pairs, masks } = sortFiles(files.filter(named => named.file.name !== 'dataset.json' || isMask(named)));
    for (const { image, mask } of pairs) {
      if (!mask) {
        notes.push(
          `${image.file.name} has no mask; drop one named ${image.file.name.replace(/\.[^.]*$/, '')}_mask.png with it.`,
        );
        continue;
      }
      try {
        const [truth, bitmap] = await Promise.all([
          readTruth(mask.file, mask.file.name),
          createImageBitmap(image.file),
        ]);
        if (truth.width !== bitmap.width || truth.height !== bitmap.height)
          notes.push(`${mask.file.name} must have the size of its image, ${bitmap.width} × ${bitmap.height}.`);
        else
          this.#append(
            {
              name: image.file.name,
              image: image.file,
              url: URL.createObjectURL(image.file),
              mask: mask.file,
              truth,
              text: sentences.get(image.file.name) ?? '',
            },
            bitmap,
          );
        bitmap.close();
      } catch {
        notes.push(`${image.file.name} or its mask cannot be read as an image.`);
      }
    }
    for (const mask of masks) notes.push(`${mask.file.name} has no image; drop both together.`);
    this.onChange(notes);
  }

  /** One sentence for all that have none. */
  fill(text: string): void {
    for (const [at, example] of this.all.entries()) {
      if (example.text.trim()) continue;
      example.text = text;
      this.list.children[at]!.querySelector('textarea')!.value = text;
    }
    this.onChange([]);
  }

  #append(example: Example, bitmap: ImageBitmap): void {
    this.all.push(example);
    const item = node('li', '', 'example');
    const field = document.createElement('textarea');
    Object.assign(field, {
      rows: 2,
      value: example.text,
      spellcheck: false,
      placeholder: 'a sentence about this image',
    });
    field.ariaLabel = `Sentence about ${example.name}`;
    field.addEventListener('input', () => {
      example.text = field.value;
      this.onChange([]);
    });
    const remove = button('Remove', () => {
      this.all.splice(this.all.indexOf(example), 1);
      item.remove();
      this.onChange([]);
    });
    remove.ariaLabel = `Remove ${example.name}`;
    const body = node('div', '', 'example-body');
    const head = node('div', '', 'example-head');
    const name = node('span', '', 'fine');
    write(name, example.name);
    head.append(name, remove);
    body.append(head, field);
    item.append(thumbnail(bitmap, example), body);
    this.list.append(item);
  }
}

/** The picture with the mask's outline. */
function thumbnail(bitmap: ImageBitmap, { truth, name }: Example): HTMLCanvasElement {
  const scale = (2 * SIDE) / Math.max(bitmap.width, bitmap.height);
  const canvas = Object.assign(document.createElement('canvas'), {
    width: Math.round(bitmap.width * scale),
    height: Math.round(bitmap.height * scale),
  });
  canvas.role = 'img';
  canvas.ariaLabel = `${name} with its mask`;
  const context = canvas.getContext('2d')!;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  drawLesions(context, truth.lesions, { colour: TRUTH, scale, width: canvas.width, pen: 1.6 });
  return canvas;
}
