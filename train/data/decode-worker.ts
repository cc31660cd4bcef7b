// The thread's end of `DecodePool`: one job at a time, results moved, not copied.

import { parentPort } from 'node:worker_threads';
import { TmcaError } from '../../errors/index.js';
import { type DecodeJob, decodeRecord } from './decode.js';
import type { Answer } from './decode-pool.js';

parentPort!.on('message', async (job: DecodeJob) => {
  try {
    const decoded = await decodeRecord(job);
    const moved = 'picture' in decoded ? [decoded.picture.buffer, decoded.mask.buffer] : [];
    parentPort!.postMessage({ decoded } satisfies Answer, moved as ArrayBuffer[]);
  } catch (error) {
    // classes do not cross threads
    const code = error instanceof TmcaError ? error.code : 'INTERNAL';
    const message = error instanceof Error ? error.message : String(error);
    parentPort!.postMessage({ code, message } satisfies Answer);
  }
});
