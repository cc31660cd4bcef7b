// Whether a model is given a sentence that it reads, or none where it reads none: asked where a call enters the package.

import { check } from '../errors/index.js';
import type { Report, Session, SessionInfo } from './types.js';

/** A model's name, and whether it reads sentences. */
export type TextUse = Pick<SessionInfo['model'], 'name' | 'text'>;

/** Errors: TEXT_NOT_TAKEN, where the model reads no sentences. */
export function checkTakesText(where: string, { name, text }: TextUse): void {
  check(
    text !== 'none',
    'TEXT_NOT_TAKEN',
    () =>
      `${where}: a sentence needs a model that reads one, got ${name}, which takes images alone; leave the text out`,
  );
}

/** Errors: TEXT_REQUIRED (`null` for a model that must be told), TEXT_NOT_TAKEN (a sentence for one that reads none). */
export function checkSentence<R>(where: string, model: TextUse, report: R | null | undefined): R | null {
  if (report !== null && report !== undefined) {
    checkTakesText(where, model);
    return report;
  }
  check(
    model.text !== 'required',
    'TEXT_REQUIRED',
    () =>
      `${where}: the model ${model.name} must be told what to look for, got no sentence; describe the finding in one`,
  );
  return null;
}

/**
 * What `segment` takes beside an image: the encoded sentence, or null where there is none or the model reads none. Errors: those
 * of `encodeReport`.
 */
export const encodeIfRead = async (
  session: Session,
  text: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Report | null> =>
  session.info.model.text === 'none' || text === '' ? null : session.encodeReport(text, options);
