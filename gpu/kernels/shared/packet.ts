// Elementwise kernels take four numbers at a time where a run of them divides by four (`Shader.packet`).

/** Numbers in an element of the kernel's buffers, for runs of `length` numbers. */
export const packetOf = (length: number): 1 | 4 => (length % 4 === 0 ? 4 : 1);
