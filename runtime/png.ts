// PNG of one channel, without a canvas or a library: https://www.w3.org/TR/png-3/. Loaded when wanted.

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const GREY = 0;

/** @param pixels [height, width]; of 16 bits where they come as such */
export async function encodePng(pixels: Uint8Array | Uint16Array, width: number, height: number): Promise<Blob> {
  const depth = pixels.BYTES_PER_ELEMENT * 8;
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  head.setUint8(8, depth);
  head.setUint8(9, GREY);
  const lines = linesOf(pixels, width, height);
  const deflated = new Blob([lines]).stream().pipeThrough(new CompressionStream('deflate'));
  const data = new Uint8Array(await new Response(deflated).arrayBuffer());
  const parts = [
    SIGNATURE,
    ...chunk('IHDR', new Uint8Array(head.buffer)),
    ...chunk('IDAT', data),
    ...chunk('IEND', new Uint8Array(0)),
  ];
  return new Blob(parts, { type: 'image/png' });
}

/** Rows, each after the number of its filter: 0, none. Numbers of 16 bits have their high byte first. */
function linesOf(pixels: Uint8Array | Uint16Array, width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = pixels.BYTES_PER_ELEMENT;
  const stride = width * bytes + 1;
  const lines = new Uint8Array(stride * height);
  const view = new DataView(lines.buffer);
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * width, (y + 1) * width);
    if (row instanceof Uint8Array) lines.set(row, y * stride + 1);
    else for (let x = 0; x < width; x++) view.setUint16(y * stride + 1 + 2 * x, row[x]!);
  }
  return lines;
}

function chunk(type: string, data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, data.length);
  const name = new TextEncoder().encode(type);
  const check = new DataView(new ArrayBuffer(4));
  check.setUint32(0, checksum(name, data));
  return [new Uint8Array(length.buffer), name, data, new Uint8Array(check.buffer)];
}

/** CRC-32 of one array after another. */
function checksum(...arrays: readonly Uint8Array[]): number {
  let sum = 0xffffffff;
  for (const array of arrays) for (const byte of array) sum = TABLE[(sum ^ byte) & 255]! ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});
