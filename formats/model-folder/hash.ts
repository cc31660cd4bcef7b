// A hash as readers use one: Node's own, or one in JavaScript.

/** A SHA-256 in the making. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  /** 64 digits in lower case. Once, at the end. */
  hex(): string;
}
