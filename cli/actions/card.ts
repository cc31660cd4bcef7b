// `tmca card`: README.md of a model folder, from the run that made it.

import { stat } from 'node:fs/promises';
import { readText } from '../../node/disk/read-file.js';
import { type CardOptions, writeCard } from '../../reports/model-card/write-card.js';
import type { Context } from '../context.js';

export interface CardCommandOptions extends CardOptions {
  readonly json?: boolean;
}

export async function card(
  run: string,
  { json, terms, ...options }: CardCommandOptions,
  { console }: Context,
): Promise<void> {
  const path = await writeCard(run, { ...options, terms: terms === undefined ? undefined : await textOf(terms) });
  await (json ? console.json({ card: path }) : console.print(path));
}

/** A file's content where there is a file of that name, else the text itself. */
async function textOf(terms: string): Promise<string> {
  const isFile = await stat(terms).then(
    status => status.isFile(),
    () => false,
  );
  return isFile
    ? readText(terms, { rule: 'card: --terms must be text or a file of text', advice: 'correct it' })
    : terms;
}
