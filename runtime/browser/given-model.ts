// A model that is given as files: what a page takes of them.

import { check, TmcaError } from '../../errors/index.js';
import { kindOf } from '../given.js';

/** Files by name, of which those of a model folder are used: chosen or dropped ones, or an object of them. */
export type ModelFilesGiven = FileList | readonly File[] | Readonly<Record<string, Blob | ArrayBuffer | Uint8Array>>;

/** As a worker is given them. */
export type GivenFiles = Readonly<Record<string, Blob | Uint8Array>>;

const NAMES = ['config.json', 'model.safetensors', 'vocab.txt', 'manifest.json'];

/** The files of a model folder among those that are given. Errors: BAD_ARGUMENT. */
export function takeModelFiles(given: ModelFilesGiven): GivenFiles {
  const isList = typeof (given as FileList).length === 'number' && Symbol.iterator in given;
  const entries: (readonly [string, unknown])[] = isList
    ? Array.from(given as FileList, file => [file.name, file] as const)
    : Object.entries(given);
  const taken: Record<string, Blob | Uint8Array> = {};
  for (const [name, content] of entries) {
    if (!NAMES.includes(name)) continue;
    check(
      !Object.hasOwn(taken, name),
      'BAD_ARGUMENT',
      () => `Segmenter.create: the files must be those of one model folder, got ${name} twice; choose one folder`,
    );
    taken[name] = contentOf(name, content);
  }
  for (const name of NAMES.slice(0, 2))
    check(
      Object.hasOwn(taken, name),
      'BAD_ARGUMENT',
      () =>
        `Segmenter.create: the files must hold ${name}, got ${entries.map(([own]) => own).join(', ') || 'none'}; ` +
        'choose all files of a model folder',
    );
  return taken;
}

function contentOf(name: string, content: unknown): Blob | Uint8Array {
  if (content instanceof Blob || content instanceof Uint8Array) return content;
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  const got = kindOf(content);
  throw new TmcaError(
    'BAD_ARGUMENT',
    `Segmenter.create: ${name} must be a File, a Blob or bytes, got ${got}; read it first`,
  );
}
