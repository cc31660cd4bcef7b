// What `build/tmca.wasm` exports: `assembly/src/index.ts`, seen from TypeScript. Addresses, sizes and flags are numbers;
// `Pointer` marks the ones that are addresses.

/** An address in the module's memory; 0 is null. */
export type Pointer = number;

export interface AssemblyExports {
  readonly memory: WebAssembly.Memory;
  alloc(bytes: number): Pointer;
  free(address: Pointer): void;

  createResize(width: number, height: number, channels: number, size: number, bandRows: number): Pointer;
  restartResize(resize: Pointer): void;
  resizeBand(resize: Pointer): Pointer;
  resizeRows(resize: Pointer, rows: number): void;
  freeResize(resize: Pointer): void;
  normalise(resize: Pointer, mode: number, planar: number, half: number, out: Pointer): void;
  largestDeviation(): number;

  halfFromFloat(from: Pointer, to: Pointer, count: number): void;
  floatFromHalf(from: Pointer, to: Pointer, count: number): void;

  createVocabulary(text: Pointer, bytes: number): Pointer;
  freeVocabulary(vocabulary: Pointer): void;
  specialId(vocabulary: Pointer, index: number): number;
  vocabularySize(vocabulary: Pointer): number;
  vocabularyEmptyLine(vocabulary: Pointer): number;
  vocabularyRepeatedLine(vocabulary: Pointer): number;
  vocabularyTokenStart(vocabulary: Pointer, id: number): Pointer;
  vocabularyTokenLength(vocabulary: Pointer, id: number): number;
  tokenise(vocabulary: Pointer, text: Pointer, length: number, to: Pointer, room: number): number;

  /** The list in which `boundaryDistances` and `traceContour` leave their results, i32. */
  listData(): Pointer;
  listLength(): number;
  freeList(): void;

  createBitmap(width: number, height: number): Pointer;
  packRows(bitmap: Pointer, y: number, rows: number, source: Pointer): void;
  freeBitmap(bitmap: Pointer): void;

  countPixels(a: Pointer, b: Pointer, length: number, counts: Pointer): void;
  boundaryDistances(a: Pointer, b: Pointer): void;

  createUpsample(size: number, width: number, height: number): Pointer;
  upsampleMap(upsample: Pointer): Pointer;
  prepareMap(upsample: Pointer, logits: number): number;
  maskRows(upsample: Pointer, y: number, rows: number, threshold: number, out: Pointer): void;
  freeUpsample(upsample: Pointer): void;

  createComponents(width: number, height: number): Pointer;
  componentRows(components: Pointer, y: number, rows: number, mask: Pointer): void;
  segmentRows(components: Pointer, upsample: Pointer, y: number, rows: number, threshold: number, mask: Pointer): void;
  finishComponents(components: Pointer): number;
  componentRecords(components: Pointer): Pointer;
  componentsBitmap(components: Pointer): Pointer;
  freeComponents(components: Pointer): void;

  traceContour(bitmap: Pointer, x: number, y: number, background: number): void;
}
