// Exports of the module. `assembly/exports.ts` types them for the host; the two lists are compared by a test.

export { createBitmap, freeBitmap, packRows } from './bitmap';
export {
  componentRecords,
  componentRows,
  componentsBitmap,
  createComponents,
  finishComponents,
  freeComponents,
  segmentRows,
} from './components';
export { countPixels } from './confusion';
export { traceContour } from './contour';
export { boundaryDistances } from './distance';
export { floatFromHalf, halfFromFloat } from './half';
export { freeList, listData, listLength } from './list';
export { alloc, free } from './memory';
export { largestDeviation, normalise } from './normalise';
export { createResize, freeResize, resizeBand, resizeRows, restartResize } from './resize';
export { createUpsample, freeUpsample, maskRows, prepareMap, upsampleMap } from './upsample';
export {
  createVocabulary,
  freeVocabulary,
  specialId,
  vocabularyEmptyLine,
  vocabularyRepeatedLine,
  vocabularySize,
  vocabularyTokenLength,
  vocabularyTokenStart,
} from './vocabulary';
export { tokenise } from './wordpiece';
