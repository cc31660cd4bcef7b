// safetensors files: strict reader, streaming sources, writer. Browser-safe; the disk source is in node.

export { isDType, type SafetensorsDType, type SafetensorsTensor, WIDTH } from './dtypes.js';
export { displayUrl, type FetchOptions, fetchSource } from './fetch.js';
export { MAX_HEADER_BYTES, parseHeader, readHeaderLength, type SafetensorsHeader, type TensorInfo } from './header.js';
export { openSafetensors, type ReadOptions, type SafetensorsFile } from './read.js';
export { findSaturated } from './saturated.js';
export { type ByteSource, concatenate, memorySource, readAll } from './source.js';
export { toFloat32, wholeNumbers, wordsOf } from './to-float32.js';
export { encodeSafetensors, type LazyTensor, safetensorsChunks, safetensorsStream, tensorOf } from './write.js';
