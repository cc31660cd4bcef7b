// What of the network is in a checkpoint: found by one parameter of each convention, whatever prefix stands before its names.

import { check, TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import { type Checkpoint, some } from './checkpoint.js';
import { CONVENTIONS, type Convention } from './names.js';

/** A network's part in a checkpoint. The decoder has the network's own names only. */
export interface Part {
  readonly part: 'image' | 'text' | 'decoder';
  /** Null for the decoder. */
  readonly convention: Convention | null;
  /** What stands before the convention's names in this file, such as "bert.". */
  readonly prefix: string;
  readonly checkpoint: Checkpoint;
  /** Names of the file by the convention's current spelling, prefix removed. */
  readonly names: ReadonlyMap<string, string>;
}

const DECODER_ANCHOR = 'decoder.blocks.0.upsample.weight';
const DECODER_INSIDE = /^(decoder|head)\./;

/** Architectures that share names with BERT or ConvNeXt and are another network. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)(xlm-)?roberta\./, 'RoBERTa, whose positions begin at 2 and whose tokeniser is not WordPiece'],
  [/(^|\.)distilbert\./, 'DistilBERT'],
  [/(^|\.)albert\./, 'ALBERT'],
  [/(^|\.)mpnet\./, 'MPNet'],
  [/(^|\.)deberta\./, 'DeBERTa'],
  [/\.grn\.(weight|bias|gamma|beta)$/, 'ConvNeXt V2, whose blocks have a response normalisation (grn)'],
  [
    /(^|\.)encoder\.layer\.\d+\.(crossattention|attention\.self\.distance_embedding)\./,
    'BERT with another kind of attention',
  ],
  [/(^|\.)text_model\.encoder\.layers\.|(^|\.)visual\.(trunk|transformer)\./, 'CLIP'],
  [/\.lora_[AB]\.|\.base_layer\./, 'a model with LoRA adapters, which are merged before it is saved'],
];

/** @throws TmcaError UNSUPPORTED, naming the architecture */
function refuseOthers({ path, tensors }: Checkpoint): void {
  for (const name of tensors.keys())
    for (const [pattern, what] of OTHERS)
      check(
        !pattern.test(name),
        'UNSUPPORTED',
        () =>
          `import: ${path} must be ConvNeXt or BERT, got ${show(name)} of ${what}; give a checkpoint of the two that are read`,
      );
}

/** Prefixes of all names that end in `anchor` after a dot or from their start. */
const prefixesOf = (names: Iterable<string>, anchor: string): string[] =>
  [...names].filter(name => name === anchor || name.endsWith(`.${anchor}`)).map(name => name.slice(0, -anchor.length));

function respelled(convention: Convention | null, name: string): string {
  return (convention?.spellings ?? []).reduce((text, [old, current]) => text.replace(old, current), name);
}

/** The file's names below a prefix, by their current spelling. @throws TmcaError MODEL_MISMATCH where two are one */
function namesBelow({ path, tensors }: Checkpoint, convention: Convention | null, prefix: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const name of tensors.keys()) {
    if (!name.startsWith(prefix)) continue;
    const current = respelled(convention, name.slice(prefix.length));
    check(
      !names.has(current),
      'MODEL_MISMATCH',
      () =>
        `import: ${path} must hold each parameter once, got ${show(names.get(current))} and ${show(name)}; remove one`,
    );
    names.set(current, name);
  }
  return names;
}

/**
 * The parts that a checkpoint holds.
 *
 * @throws TmcaError MODEL_MISMATCH (none, or one twice), UNSUPPORTED (a known network that is not this one's)
 */
export function findParts(checkpoint: Checkpoint): Part[] {
  const { path, tensors } = checkpoint;
  refuseOthers(checkpoint);
  const parts: Part[] = [];
  const add = (convention: Convention | null, anchor: string) => {
    // spelled as they were: an older spelling may stand in the anchor itself
    const spelled = [...tensors.keys()].map(name => respelled(convention, name));
    const prefixes = prefixesOf(spelled, anchor);
    check(
      prefixes.length <= 1,
      'MODEL_MISMATCH',
      () =>
        `import: ${path} must hold one of each encoder, got ${prefixes.map(p => show(p + anchor)).join(' and ')}; save the one alone`,
    );
    for (const prefix of prefixes) {
      const names = namesBelow(checkpoint, convention, prefix);
      parts.push({ part: convention?.encoder ?? 'decoder', convention, prefix, checkpoint, names });
    }
  };
  for (const convention of Object.values<Convention>(CONVENTIONS)) add(convention, convention.anchor);
  add(null, DECODER_ANCHOR);
  if (parts.length > 0) return parts;
  throw new TmcaError(
    'MODEL_MISMATCH',
    `import: ${path} must hold ConvNeXt (Hugging Face, timm, torchvision) or BERT (Hugging Face), got ${tensors.size} tensors of neither: ` +
      `${some([...tensors.keys()].map(show), 3)}; give a checkpoint of one of them`,
  );
}

/** One of each at the most. @throws TmcaError BAD_ARGUMENT */
export function partsByKind(parts: readonly Part[]): ReadonlyMap<Part['part'], Part> {
  const found = new Map<Part['part'], Part>();
  for (const part of parts) {
    const before = found.get(part.part);
    check(
      !before,
      'BAD_ARGUMENT',
      () =>
        `import: one ${part.part === 'decoder' ? 'decoder' : `${part.part} encoder`} must be given, got ${describe(before!)} and ${describe(part)}; leave one out`,
    );
    found.set(part.part, part);
  }
  return found;
}

/** For messages. */
export const describe = ({ convention, checkpoint, prefix }: Part): string =>
  `${checkpoint.path} (${convention?.title ?? 'TMCA'}${prefix ? `, below "${prefix}"` : ''})`;

/** Whether a name is of the part's own network, so that not knowing it means another architecture. */
export const isInside = ({ convention }: Part, name: string): boolean =>
  (convention?.inside ?? DECODER_INSIDE).test(name);
