// Files that are dropped, pasted or chosen, whole folders too; and which of them are masks of which.

/** A file with the path that it had in what was dropped. */
export interface Named {
  readonly file: File;
  readonly path: string;
}

export interface Pair {
  readonly image: Named;
  readonly mask?: Named;
}

export interface Sorted {
  readonly pairs: readonly Pair[];
  /** Masks whose image is not among the files. */
  readonly masks: readonly Named[];
}

const isImage = ({ type, name }: File) =>
  type.startsWith('image/') || (type === '' && /\.(jpe?g|png|webp|bmp|gif|avif)$/i.test(name));
const MASK_FOLDER = /(^|\/)(masks?|labels?|ground[-_ ]?truth|gt|annotations?)\//i;
const MASK_ENDING = /[-_. ](mask|label|segmentation|seg|gt|groundtruth)$/i;

const stemOf = (path: string) => path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '');
const keyOf = (path: string) => stemOf(path).replace(MASK_ENDING, '').toLowerCase();
export const isMask = ({ path }: Named) => MASK_FOLDER.test(path) || MASK_ENDING.test(stemOf(path));

/** Pairs images with masks by their names: `a.jpg` with `a_mask.png`, `images/a.jpg` with `masks/a.png`. */
export function sortFiles(files: readonly Named[]): Sorted {
  const images = files.filter(({ file }) => isImage(file));
  const masks = new Map(images.filter(isMask).map(mask => [keyOf(mask.path), mask]));
  const pairs = images
    .filter(named => !isMask(named))
    .map(image => {
      const mask = masks.get(keyOf(image.path));
      masks.delete(keyOf(image.path));
      return mask ? { image, mask } : { image };
    });
  // What is neither an image nor a mask is for the engine to refuse, with a reason.
  const others = files.filter(({ file }) => !isImage(file)).map(image => ({ image }));
  return { pairs: pairs.length + masks.size > 0 ? pairs : others, masks: [...masks.values()] };
}

export const namedFiles = (list: Iterable<File>): Named[] =>
  [...list].map(file => ({ file, path: file.webkitRelativePath || file.name }));

/** Files of a drop or a paste, those of folders included. To be called in the event's own turn. */
export async function filesOf(data: DataTransfer | null): Promise<Named[]> {
  if (!data) return [];
  const entries = [...data.items].map(item => (item.kind === 'file' ? item.webkitGetAsEntry?.() : null));
  if (!entries.some(entry => entry?.isDirectory)) return namedFiles(data.files);
  const found = await Promise.all(entries.map(entry => (entry ? walk(entry) : [])));
  return found.flat();
}

async function walk(entry: FileSystemEntry): Promise<Named[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, '') }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Named[] = [];
  for (;;) {
    // A reader gives its entries in portions; an empty one is the last.
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (portion.length === 0) return found;
    for (const inner of portion) found.push(...(await walk(inner)));
  }
}

/** Takes files that are dropped or pasted anywhere on the page while `isActive`. */
export function listenToFiles(zone: HTMLElement, isActive: () => boolean, take: (files: Named[]) => void): void {
  document.addEventListener('dragover', event => {
    if (!isActive()) return;
    event.preventDefault();
    zone.classList.add('dragging');
  });
  document.addEventListener('dragleave', event => {
    if (!event.relatedTarget) zone.classList.remove('dragging');
  });
  document.addEventListener('drop', async event => {
    if (!isActive()) return;
    event.preventDefault();
    zone.classList.remove('dragging');
    take(await filesOf(event.dataTransfer));
  });
  document.addEventListener('paste', async event => {
    if (!isActive() || !event.clipboardData?.files.length) return;
    event.preventDefault();
    take(await filesOf(event.clipboardData));
  });
}
