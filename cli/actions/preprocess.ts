// `tmca preprocess`: an image as the network would see it, in a file.

import { loadAssembly } from '../../assembly/instance.js';
import { type Normalize, Preprocessor } from '../../assembly/preprocess.js';
import { throwIfAborted } from '../../errors/index.js';
import { encodeSafetensors, tensorOf } from '../../formats/safetensors/index.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { decodeImage } from '../../node/images/image-files.js';
import { keepInputs } from '../../node/keep-inputs.js';
import type { Context } from '../context.js';

export interface PreprocessOptions {
  readonly size: number;
  readonly normalize: Normalize;
  readonly out: string;
  readonly json?: boolean;
}

export async function preprocess(image: string, options: PreprocessOptions, { io, console }: Context): Promise<void> {
  const { size, normalize, out } = options;
  await keepInputs('preprocess', { files: [out] }, [image]);
  // Before the decoding, which takes longer: it refuses sizes that are too large.
  using preprocessor = new Preprocessor(await loadAssembly(), { size, normalize, layout: 'nchw' });
  const { pixels, notes } = await decodeImage(image, { signal: io.signal });
  for (const { file, text } of notes) await console.warn(`${file}: ${text}`);
  const data = preprocessor.run(pixels) as Float32Array;
  throwIfAborted(io.signal, 'preprocess');
  await writeFileAtomic(out, encodeSafetensors([tensorOf('image', [3, size, size], data)]));
  const { width, height } = pixels;
  const result = { image, width, height, size, normalize, out };
  await (options.json ? console.json(result) : console.print(`${out}: image [3, ${size}, ${size}] F32, ${normalize}`));
}
