// The thread's end of `DecodePool`: one job at a time, results moved, not copied.

import { parentPort } from 'node:worker_threads';
import { TmcaError } from '../../errors/index.js';
import { type Decoded, decodeRecord } from './decode.js';
import type { Answer, Request } from './decode-pool.js';
import { makeSample, type ReadySample } from './sample.js';

const run = (request: Request): Promise<Decoded | ReadySample> =>
  'decode' in request ? decodeRecord(request.decode) : makeSample(request.sample);

parentPort!.on('message', async (request: Request) => {
  try {
    const result = await run(request);
    const moved = Object.values(result).flatMap(value =>
      ArrayBuffer.isView(value) ? [value.buffer as ArrayBuffer] : [],
    );
    parentPort!.postMessage({ result } satisfies Answer, moved);
  } catch (error) {
    // classes do not cross threads
    const code = error instanceof TmcaError ? error.code : 'INTERNAL';
    const message = error instanceof Error ? error.message : String(error);
    parentPort!.postMessage({ code, message } satisfies Answer);
  }
});
