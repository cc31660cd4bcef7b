// Exports of the module. `assembly/exports.ts` types them for the host; the two lists are compared by a test.

export { floatFromHalf, halfFromFloat } from './half';
export { alloc, free } from './memory';
export { normalise } from './normalise';
export { createResize, finishResize, freeResize, resizeBand, resizeRows, restartResize } from './resize';
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
