// A model that is given as files: how its worker reads them.

import { TmcaError } from '../../errors/index.js';
import type { FolderIo } from '../../formats/model-folder/index.js';
import { type ByteSource, memorySource } from '../../formats/safetensors/index.js';
import type { GivenFiles } from './given-model.js';

/** A folder of these files. */
export const givenFolder =
  (files: GivenFiles): FolderIo['folder'] =>
  () => ({
    async open(name) {
      const content = Object.hasOwn(files, name) ? files[name] : undefined;
      if (!content) return null;
      return content instanceof Blob ? blobSource(content, name) : memorySource(content, name);
    },
  });

const blobSource = (blob: Blob, name: string): ByteSource => ({
  name,
  size: blob.size,
  async *stream(signal) {
    const reader = blob.stream().getReader();
    try {
      for (;;) {
        signal?.throwIfAborted();
        const { done, value } = await reader.read();
        if (done) return;
        yield value;
      }
    } catch (cause) {
      if (signal?.aborted) throw cause;
      const rule = 'a file must stay as it was when it was chosen';
      throw new TmcaError('FILE_UNREADABLE', `openModelFolder: ${name}: ${rule}, got "${cause}"; choose it again`, {
        cause,
      });
    } finally {
      reader.cancel().catch(() => undefined);
    }
  },
  close: async () => {},
});
