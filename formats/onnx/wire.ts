// Protocol Buffers' wire format, as much of it as ONNX needs. Why not protobufjs: a model of 600 MB must go to disk tensor by
// tensor, while a library builds it whole; and this is a hundredth of its size, without generated code that a page's content
// security policy would refuse. https://protobuf.dev/programming-guides/encoding

/** A place for bytes that come later: weights. Their number is known before they are. */
export interface Hole {
  readonly key: string;
  readonly bytes: number;
}

export type Piece = Uint8Array | Hole;

export const isHole = (piece: Piece): piece is Hole => !(piece instanceof Uint8Array);

const VARINT = 0;
const BYTES = 2;
const WORD = 5;

const utf8 = new TextEncoder();

/** One message, field by field, in the order of the calls. */
export class Message {
  readonly pieces: Piece[] = [];
  #bytes = 0;
  #open: number[] = [];

  /** Length of what has been written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** An integer, 64-bit signed in two's complement; exact for safe integers. */
  int(field: number, value: number): this {
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.#varint(field * 8 + WORD);
    this.#raw(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  text(field: number, value: string): this {
    return this.data(field, utf8.encode(value));
  }

  data(field: number, value: Piece): this {
    this.#varint(field * 8 + BYTES);
    this.#varint(isHole(value) ? value.bytes : value.length);
    this.#raw(value);
    return this;
  }

  message(field: number, value: Message): this {
    this.#varint(field * 8 + BYTES);
    this.#varint(value.bytes);
    value.close().pieces.forEach(piece => void this.#raw(piece));
    return this;
  }

  /** Packed, as proto3 writes repeated integers. */
  ints(field: number, values: readonly number[]): this {
    const packed = new Message();
    for (const value of values) packed.#varint(value);
    return this.message(field, packed);
  }

  /** Moves what is still being collected to `pieces`. */
  close(): this {
    if (this.#open.length > 0) this.pieces.push(Uint8Array.from(this.#open));
    this.#open = [];
    return this;
  }

  #varint(value: number): void {
    // Negative numbers take ten bytes, as they do in 64 bits.
    let rest = BigInt.asUintN(64, BigInt(value));
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      this.#open.push(rest > 0n ? low | 0x80 : low);
      this.#bytes++;
    } while (rest > 0n);
  }

  #raw(piece: Piece): void {
    if (isHole(piece) || piece.length > 64) {
      this.close();
      this.pieces.push(piece);
    } else for (const byte of piece) this.#open.push(byte);
    this.#bytes += isHole(piece) ? piece.bytes : piece.length;
  }
}
