// Names of files as people, systems and tables write them: composed or decomposed (NFC, NFD), in capitals or not, with their
// extension or without.

import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { invalid } from '../../disk/text-file.js';
import { isOfTheSystem } from '../../images/image-folder.js';

/** Also formats that are not read: their files belong to the data set, and an error names them when they are opened. */
const IMAGE =
  /\.(jpe?g|jfif|png|apng|webp|gif|tiff?|avif|hei[cf]|bmp|dib|dcm|dicom|p[bgnp]m|jp2|j2k|svg|npy|npz|mat|nii|nii\.gz|mha|mhd|nrrd|exr|psd)$/i;

export const isImageName = (name: string): boolean => IMAGE.test(name);

/** The name without its extension. */
export const stemOf = (name: string): string => parse(name).name;

export interface Listing {
  /** Names of folders and of files, sorted, because systems list in any order; without those of the system. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/** Errors: DATASET_INVALID where there is no such folder, or it cannot be read. */
export async function listFolder(path: string): Promise<Listing> {
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw invalid(
      path,
      'a folder that can be read',
      code === 'ENOENT' ? 'none' : String(code),
      'check the path',
      cause,
    );
  }
  const own = entries.filter(({ name }) => !isOfTheSystem(name));
  const kinds = await Promise.all(own.map(entry => isFolder(entry, path)));
  const names = (folders: boolean) => own.filter((_, i) => kinds[i] === folders).map(({ name }) => name);
  return { folders: names(true).sort(), files: names(false).sort() };
}

/** Also of what a link leads to. Pipes and devices count as files, so that whoever reads one is told. */
const isFolder = async (entry: Dirent, path: string): Promise<boolean> =>
  entry.isSymbolicLink()
    ? stat(join(path, entry.name)).then(
        found => found.isDirectory(),
        () => false,
      )
    : entry.isDirectory();

/** As `listFolder`, and empty where there is none. */
export const listIfThere = (path: string): Promise<Listing> =>
  listFolder(path).catch(() => ({ folders: [], files: [] }));

/**
 * Finds a name among others by the first of these that any of them meets: the same; the same letters, however they are composed; the
 * same without extension; the same without regard to capitals.
 */
export class NameIndex {
  readonly #tiers: readonly (Tier & { readonly names: ReadonlyMap<string, string[]> })[];

  constructor(names: Iterable<string>) {
    const list = [...names];
    this.#tiers = TIERS.map(tier => ({ ...tier, names: grouped(list, tier.key) }));
  }

  /**
   * All that meet the first rule that any meets; several where that does not tell them apart. With `sameType`, a name that has an
   * extension must be found with it: "a.png" may be the mask of the missing "a.jpg".
   */
  find(name: string, sameType = false): readonly string[] {
    for (const { key, loose, names } of this.#tiers) {
      if (loose && sameType && isImageName(name)) continue;
      const found = names.get(key(name));
      if (found) return found;
    }
    return [];
  }
}

const composed = (name: string): string => name.normalize('NFC');
/** Only an extension of an image: "patient.1" has none. */
const bare = (name: string): string => (isImageName(name) ? stemOf(composed(name)) : composed(name));

interface Tier {
  readonly key: (name: string) => string;
  /** True where names are compared without their extension. */
  readonly loose: boolean;
}

const TIERS: readonly Tier[] = [
  { key: name => name, loose: false },
  { key: composed, loose: false },
  { key: bare, loose: true },
  { key: name => composed(name).toLowerCase(), loose: false },
  { key: name => bare(name).toLowerCase(), loose: true },
];

function grouped(names: readonly string[], key: (name: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const group = groups.get(key(name));
    if (group) group.push(name);
    else groups.set(key(name), [name]);
  }
  return groups;
}
