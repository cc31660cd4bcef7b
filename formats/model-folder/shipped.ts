// The files of the model that the package ships, as they were when the package was built.

import manifest from '../../models/nano/manifest.json';
import { type ManifestFiles, parseManifest } from './manifest.js';

export const shippedFiles: ManifestFiles = parseManifest(manifest, 'the shipped model').files;
