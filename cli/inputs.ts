// Files that a command reads.

import { TmcaError } from '../errors/index.js';
import type { ByteSource } from '../formats/safetensors/index.js';
import { diskSource } from '../node/disk/files.js';

/** `what` names the file's part in the command, with the command. Errors: FILE_NOT_FOUND, FILE_UNREADABLE. */
export async function openFile(path: string, what: string): Promise<ByteSource> {
  const source = await diskSource(path);
  if (source) return source;
  throw new TmcaError('FILE_NOT_FOUND', `${what} must exist, got no file ${path}; check the path`);
}
