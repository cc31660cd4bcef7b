// A picture, the sentences that are written for it, and the runs made of it. They stay together: nothing of one picture is ever run
// with, or shown over, another.

import type { Region } from '../../assembly/index.js';
import type { Segmentation, SessionInfo } from '../../runtime/index.js';

/** Which of the two sentences that are compared. */
export type Slot = 'a' | 'b';
export const SLOTS: readonly Slot[] = ['a', 'b'];

/** What a user chooses about the mask, after the network has run. */
export interface MaskSettings {
  readonly threshold: number;
  /** Share of the view. */
  readonly minArea: number;
}

/** The mask that a person has drawn. */
export interface Truth {
  readonly name: string;
  readonly mask: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly lesions: readonly Region[];
}

/** One mask with all that made it. */
export interface Run {
  readonly picture: Picture;
  /** Null where the model ran without one. */
  readonly sentence: string | null;
  readonly info: SessionInfo;
  readonly truncated: boolean;
  readonly result: Segmentation;
  readonly settings: MaskSettings;
  /** Milliseconds from the press of the button to the mask. */
  readonly waited: number;
  readonly date: Date;
}

export interface Picture {
  readonly id: number;
  readonly name: string;
  readonly file: Blob;
  /** An object URL, for as long as the picture is open. */
  readonly url: string;
  readonly attribution: string;
  /** What stands in the two fields; empty for a new picture. */
  readonly drafts: Record<Slot, string>;
  /** What is shown over it. */
  readonly shown: Partial<Record<Slot, Run>>;
  truth?: Truth;
}

let count = 0;

export function newPicture(file: Blob, name: string, { sentence = '', attribution = '' } = {}): Picture {
  return {
    id: ++count,
    name,
    file,
    url: URL.createObjectURL(file),
    attribution,
    drafts: { a: sentence, b: '' },
    shown: {},
  };
}

/** The sentence as a model takes it: `null` for a model that reads none, and for one that can do without where nothing is written. */
export function promptOf({ model }: SessionInfo, text: string): string | null {
  const words = text.trim();
  return model.text === 'none' || (model.text === 'optional' && words === '') ? null : words;
}

const normal = (text: string) => text.trim().replace(/\s+/g, ' ');

/** True if a sentence was changed after its mask was made. */
export function isStale(picture: Picture, slot: Slot): boolean {
  const run = picture.shown[slot];
  if (!run || run.info.model.text === 'none') return false;
  return normal(run.sentence ?? '') !== normal(picture.drafts[slot]);
}
