// Names of splits, as data sets and people write them.

const SYNONYMS: Readonly<Record<string, string>> = {
  ...{ train: 'train', training: 'train' },
  ...{ val: 'val', valid: 'val', validation: 'val', validate: 'val', dev: 'val', development: 'val' },
  ...{ test: 'test', testing: 'test' },
};

/** train, val or test, where a split's name is another word for it; null for a name of its own. */
export const usualSplit = (name: string): string | null => SYNONYMS[name.trim().toLowerCase()] ?? null;

/**
 * The split that the name of a file or a folder speaks of: "TrainDataset", "instances_val2017", "Test_Folder", "prompt_valid"; null
 * where it speaks of none.
 */
export function splitOfName(name: string): string | null {
  const exact = usualSplit(name);
  if (exact) return exact;
  const words = name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .split(/[^a-zA-Z]+/)
    .map(word => word.toLowerCase());
  const found = new Set(
    words.flatMap(word => SYNONYMS[word] ?? SYNONYMS[word.replace(/(data)?(set|folder)$/, '')] ?? []),
  );
  return found.size === 1 ? [...found][0]! : null;
}

/** "test" has the records of "test" and of its parts, "test/Kvasir". */
export const isOf = (split: string, asked: string): boolean => split === asked || split.startsWith(`${asked}/`);

/**
 * What to call the splits of a data set: "validation" is "val" where there is no "val". Where two names would become one, both stay
 * as they are, since nobody but the user knows which one is meant.
 */
export function renamedSplits(names: ReadonlySet<string>): ReadonlyMap<string, string> {
  const by = new Map<string, string[]>();
  for (const name of names) {
    const usual = usualSplit(name);
    if (usual !== null && !names.has(usual)) by.set(usual, [...(by.get(usual) ?? []), name]);
  }
  return new Map([...by].flatMap(([usual, own]) => (own.length === 1 ? [[own[0]!, usual] as const] : [])));
}

/** Tells whether any of the counts by split is of the split that was asked for. */
export const hasSplit = (splits: Readonly<Record<string, number>>, asked: string): boolean =>
  Object.keys(splits).some(split => isOf(split, asked));

/** The first of these that there is; else the first of all: "test" before "val", since nothing was chosen by it. */
export const bestToScore = (splits: Readonly<Record<string, number>>): string =>
  ['test', 'val', 'train'].find(split => hasSplit(splits, split)) ?? Object.keys(splits)[0]!;
