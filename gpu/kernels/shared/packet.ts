// One source for one number at a time and for four (`Shader.packet`), where runs divide by four.

import type { Shader } from '../../kernel.js';

/** Numbers in an element of the kernel's buffers, for runs of these lengths. */
export const packetOf = (...lengths: readonly number[]): 1 | 4 => (lengths.every(n => n % 4 === 0) ? 4 : 1);

/** A kernel in packets of a width, named after its file, and in reports told from the other width by `-vec4`. */
export const packed = (file: string, source: string, packet: 1 | 4): Pick<Shader, 'name' | 'packet' | 'source'> => ({
  name: packet === 4 ? `${file}-vec4` : file,
  source,
  packet,
});
