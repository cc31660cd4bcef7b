// Model folders: config.json, model.safetensors, vocab.txt and manifest.json, from disk or the web.

export { checkedStream, checkFinite } from './check-finite.js';
export { checkTensors } from './check-tensors.js';
export { type FolderIo, type FolderReader, webFolder, webIo } from './folder.js';
export type { Hash } from './hash.js';
export { type Manifest, type ManifestEntry, parseManifest, type VerifiedSource, verifiedSource } from './manifest.js';
export { type ModelFiles, type ModelFolder, openModelFolder, readModelFiles } from './open.js';
