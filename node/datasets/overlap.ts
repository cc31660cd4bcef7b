// Images that two splits share: a score on what a model was trained on says nothing of what it has not seen.

import { type Draft, named } from './layouts/draft.js';
import { isOf } from './splits.js';

const FITTED = ['train', 'val'] as const;

/**
 * A sentence for each two splits that have images in common, one of which models are trained on or chosen by; only those with
 * `asked`, where it is given.
 */
export function overlaps(drafts: readonly Draft[], asked: string | undefined): string[] {
  const splits = new Map<string, Set<string>>();
  for (const { split, image } of drafts) {
    if (typeof split !== 'string' || typeof image !== 'string') continue;
    const images = splits.get(split) ?? new Set();
    splits.set(
      split,
      images.add(
        image
          .normalize('NFC')
          .replaceAll('\\', '/')
          .replace(/^(\.\/)+/, ''),
      ),
    );
  }
  const names = [...splits.keys()];
  return FITTED.flatMap(fitted =>
    names
      .filter(other => !isOf(other, 'train') && !(fitted === 'val' && isOf(other, 'val')))
      .filter(other => asked === undefined || fitted === asked || isOf(other, asked))
      .flatMap(other => sentence(splits, fitted, other)),
  );
}

function sentence(splits: ReadonlyMap<string, ReadonlySet<string>>, fitted: string, other: string): string[] {
  const before = splits.get(fitted);
  const shared = before ? [...splits.get(other)!].filter(image => before.has(image)) : [];
  if (shared.length === 0) return [];
  const are = shared.length === 1 ? 'image is' : 'images are';
  const what = fitted === 'train' ? 'trained on' : 'chosen by';
  return [
    `${shared.length} ${are} in "${fitted}" and in "${other}": scores on what a model was ${what} say little of other images (${named(shared)})`,
  ];
}
