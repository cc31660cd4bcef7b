// Lines of a byte stream, for input that may be longer than memory.

import { check } from '../errors/index.js';

const LINE_FEED = 10;
/** A line is held in memory; a device such as /dev/zero never ends one. */
const MAX_LINE_BYTES = 16 * 2 ** 20;

/**
 * Lines as they arrive, without their line feed; a last line needs none. Each batch holds the lines that one chunk ended.
 *
 * Errors: BAD_ARGUMENT, where a line has no end.
 */
export async function* batchesOfLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  // Pieces of the line that the chunks so far did not end.
  let open: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      open.push(chunk.subarray(start, end));
      lines.push(join(open));
      open = [];
      start = end + 1;
    }
    if (lines.length > 0) held = 0;
    if (start < chunk.length) {
      open.push(chunk.slice(start));
      held += chunk.length - start;
    }
    check(held <= MAX_LINE_BYTES, 'BAD_ARGUMENT', () => {
      return `tokenize: a line may have ${MAX_LINE_BYTES} bytes, got ${held} without a line feed; end each text with one`;
    });
    if (lines.length > 0) yield lines;
  }
  if (open.length > 0) yield [join(open)];
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? pieces[0]! : new Uint8Array(Buffer.concat(pieces));
}
