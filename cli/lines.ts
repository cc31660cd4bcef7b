// Lines of a byte stream, for input that may be longer than memory.

const LINE_FEED = 10;

/** Lines as they arrive, without their line feed; a last line needs none. Each batch holds the lines that one chunk ended. */
export async function* batchesOfLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  // Pieces of the line that the chunks so far did not end.
  let open: Uint8Array[] = [];
  for await (const chunk of chunks) {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      open.push(chunk.subarray(start, end));
      lines.push(join(open));
      open = [];
      start = end + 1;
    }
    if (start < chunk.length) open.push(chunk.slice(start));
    if (lines.length > 0) yield lines;
  }
  if (open.length > 0) yield [join(open)];
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? pieces[0]! : new Uint8Array(Buffer.concat(pieces));
}
