// `tmca tokenize`: texts to token ids, a line in and a line out, as far as memory does not matter.

import { loadAssembly } from '../../assembly/instance.js';
import { Vocabulary } from '../../assembly/wordpiece.js';
import { TmcaError, throwIfAborted } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { readBytes, VOCABULARY } from '../../node/disk/read-file.js';
import type { Context } from '../context.js';
import { batchesOfLines } from '../lines.js';

export interface TokenizeOptions {
  readonly vocab: string;
  readonly maxLength?: number;
}

/** A line that is no JSON string ends the command; the ids of the lines before it are written. */
export async function tokenize(options: TokenizeOptions, { io, console }: Context): Promise<void> {
  const kind = { rule: 'tokenize: the vocabulary must be a file', advice: 'check the path', ...VOCABULARY };
  const file = await readBytes(options.vocab, { ...kind, signal: io.signal });
  using vocabulary = new Vocabulary(await loadAssembly(), file);
  let number = 0;
  let truncated = 0;
  for await (const lines of batchesOfLines(io.stdin)) {
    throwIfAborted(io.signal, 'tokenize');
    let out = '';
    try {
      for (const line of lines) {
        const encoding = vocabulary.encode(parseLine(line, ++number), options);
        truncated += encoding.truncated ? 1 : 0;
        out += `[${encoding.ids.join(',')}]\n`;
      }
    } finally {
      await io.stdout.write(out);
    }
  }
  if (truncated === 0) return;
  await console.warn(
    `${truncated} of ${number} texts are longer than ${options.maxLength} tokens; the rest of each is left out`,
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseLine(bytes: Uint8Array, number: number): string {
  const hint = 'write one JSON string a line, such as "one small polyp"';
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    const text = new TextDecoder().decode(bytes);
    const message = `tokenize: line ${number} must be a JSON string, got ${show(text)}; ${hint}`;
    throw new TmcaError('BAD_ARGUMENT', message, { cause });
  }
  if (typeof value === 'string') return value;
  throw new TmcaError('BAD_ARGUMENT', `tokenize: line ${number} must be a JSON string, got ${show(value)}; ${hint}`);
}
