import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

// The folder with the lock file: there is another one around it, the repository's.
export default { output: 'export', turbopack: { root: dirname(dirname(fileURLToPath(import.meta.url))) } };
