// Which of a record's sentences is read.

import { show } from '../../../errors/show.js';
import { type Draft, named } from './draft.js';
import { fieldsOf } from './json.js';

/** The paper's style of medvlsm's: number, size, colour, shape and place. */
const USUAL_PROMPT = 'p6';

export type Sentence =
  | { readonly text: string /** It is the first of several. */; readonly several: boolean }
  | { readonly fault: string };

/** `prompt`: the name of one of the record's prompts; `text`: in place of all, null for none. */
export function chooseSentence(
  draft: Draft,
  { text, prompt }: { readonly text?: string | null | undefined; readonly prompt?: string | undefined },
): Sentence {
  if (text === null) return { text: '', several: false };
  if (text !== undefined) return first(text);
  const prompts = fieldsOf(draft.prompts);
  const names = Object.keys(prompts);
  if (prompt !== undefined) {
    return Object.hasOwn(prompts, prompt)
      ? first(prompts[prompt])
      : { fault: `has no prompt ${show(prompt)}${ofThese(names)}` };
  }
  if (draft.text !== undefined || names.length === 0) return first(draft.text);
  if (Object.hasOwn(prompts, USUAL_PROMPT)) return first(prompts[USUAL_PROMPT]);
  return { fault: `text is empty, and there is no prompt ${USUAL_PROMPT}${ofThese(names)}: choose one with --prompt` };
}

const ofThese = (names: readonly string[]): string => (names.length > 0 ? `, only ${named(names, 10)}` : '');

/** Every run reads the same: a list stands for its first. */
function first(value: unknown): Sentence {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const [text] = list;
  if (typeof text !== 'string' || text.trim() === '') return { fault: 'text is empty' };
  return { text, several: new Set(list).size > 1 };
}

export const knowsPrompt = (draft: Draft, prompt: string): boolean => Object.hasOwn(fieldsOf(draft.prompts), prompt);
