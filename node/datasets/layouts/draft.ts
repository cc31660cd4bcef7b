// What layouts read of a data set, before it is checked.

import { TmcaError } from '../../../errors/index.js';
import type { ShapeMask } from '../../images/shapes.js';

/** What a file says of a record; anything may be missing or of any type. Paths are relative to the data set's folder. */
export interface Draft {
  readonly id?: unknown;
  readonly image?: unknown;
  /** A path or a list of them. */
  readonly mask?: unknown;
  /** In place of `mask`, where the data set has no files of masks. */
  readonly shapes?: ShapeMask;
  readonly split?: unknown;
  /** A sentence or a list of ways to say it. */
  readonly text?: unknown;
  /** Sentences by name, of which the user may choose. */
  readonly prompts?: unknown;
  readonly marks?: readonly string[];
  /** What is wrong with it, where the layout knows. */
  readonly fault?: string;
}

export interface Layout {
  readonly name?: string;
  readonly drafts: readonly Draft[];
  /** What the user should know. */
  readonly notes?: readonly Note[];
  /** Splits that could not be read, and why: whoever asks for another one need not care. */
  readonly broken?: readonly BrokenPart[];
  /** The data set has no splits: all its records are one. */
  readonly whole?: boolean;
  /** The data set has no sentences, so the user must give one. */
  readonly wordless?: boolean;
}

export interface Note {
  /** One sentence. */
  readonly text: string;
  /** The split of which the note is true; it is true of all where none is given. */
  readonly split?: string;
}

export interface BrokenPart {
  readonly split: string;
  readonly error: TmcaError;
}

export interface LayoutOptions {
  /** COCO's category whose annotations count; all categories if not given. */
  readonly category?: string;
  readonly signal?: AbortSignal;
}

/** One way in which data sets lie on disk. */
export interface LayoutReader {
  /** Completes "a data set must hold …". */
  readonly rule: string;
  /** Null where the folder holds no such data set. Errors: DATASET_INVALID, ABORTED. */
  read(folder: string, options: LayoutOptions): Promise<Layout | null>;
}

/** What a layout says of one split. */
export type Part = Pick<Layout, 'drafts' | 'notes'>;

/** Splits one after the other, each whole or broken. Errors: ABORTED. */
export async function readParts(
  splits: readonly string[],
  read: (split: string, i: number) => Promise<Part>,
): Promise<Required<Pick<Layout, 'drafts' | 'notes' | 'broken'>>> {
  const [drafts, notes, broken]: [Draft[], Note[], BrokenPart[]] = [[], [], []];
  for (const [i, split] of splits.entries()) {
    try {
      const part = await read(split, i);
      drafts.push(...part.drafts);
      notes.push(...(part.notes ?? []).map(note => ({ split, ...note })));
    } catch (error) {
      if (!(error instanceof TmcaError) || error.code === 'ABORTED') throw error;
      broken.push({ split, error });
    }
  }
  return { drafts, notes, broken };
}

/** Names some and counts all. */
export function named(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/**
 * Ids for layouts that have none of their own. Records of one split that would share an id get that of their first mask; what is
 * still alike is numbered. Records that are the same in all but the id keep it, so that they are seen to be twice there.
 */
export function withIds(drafts: readonly (Draft & { readonly id: string; readonly other: string })[]): Draft[] {
  const content = ({ image, mask, text, prompts }: Draft) => JSON.stringify([image, mask, text, prompts]);
  const clashes = (ids: readonly string[]) => {
    const seen = new Map<string, Set<string>>();
    drafts.forEach((draft, i) => {
      const key = JSON.stringify([draft.split, ids[i]]);
      seen.set(key, (seen.get(key) ?? new Set()).add(content(draft)));
    });
    return (i: number) => seen.get(JSON.stringify([drafts[i]!.split, ids[i]]))!;
  };
  const shared = clashes(drafts.map(({ id }) => id));
  const byMask = drafts.map(({ id, other }, i) => (shared(i).size > 1 ? other : id));
  const left = clashes(byMask);
  return drafts.map(({ other: _, ...draft }, i) => {
    const place = [...left(i)].indexOf(content(draft));
    return { ...draft, id: place === 0 ? byMask[i] : `${byMask[i]} (${place + 1})` };
  });
}
