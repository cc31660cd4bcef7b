// Parameters from how the file stores them to how the device does.

import { fromHalf, toHalf } from '../../assembly/half.js';
import type { Assembly } from '../../assembly/index.js';
import { check } from '../../errors/index.js';
import type { Storage } from '../../gpu/kernel.js';
import type { SafetensorsTensor } from '../safetensors/dtypes.js';
import { findSaturated } from '../safetensors/saturated.js';
import { toFloat32 } from '../safetensors/to-float32.js';

/** Bytes of `view`, zero-padded to a multiple of 4, as buffer writes demand. */
export function padded(view: ArrayBufferView): Uint8Array {
  const bytes = bytesOfView(view);
  if (bytes.length % 4 === 0) return bytes;
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  return whole;
}

/**
 * The tensor's numbers as the device stores them: a view of the tensor's memory where they are stored so already.
 * @param room where halves are written that have to be made, at least as many as there are numbers; new memory if not given
 * @throws TmcaError MODEL_NOT_FINITE where a weight is beyond what f16 holds.
 */
export function encodeStorage(
  assembly: Assembly,
  tensor: SafetensorsTensor,
  storage: Storage,
  room?: Uint16Array<ArrayBuffer>,
): Uint8Array {
  if (storage === 'i32') return padded(Int32Array.from(toFloat32(tensor)));
  if (storage === 'f32') return padded(toFloat32(tensor));
  if (storage === 'i8') return padded(tensor.dtype === 'I8' ? tensor.bytes : new Int8Array(toFloat32(tensor)));
  if (tensor.dtype === 'F16') return padded(tensor.bytes);
  const values = toFloat32(tensor);
  const halves = toHalf(assembly, values, room?.subarray(0, values.length));
  const beyond = findSaturated(halves, 'F16');
  check(
    beyond < 0,
    'MODEL_NOT_FINITE',
    () =>
      `encodeStorage: weights must lie within ±65,504 to be stored as fp16, got ${values[beyond]} at ${beyond} of ${tensor.name}; use dtype fp32`,
  );
  return padded(halves);
}

/** The bytes behind a typed array. */
export const bytesOfView = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** `count` numbers read back from the device. */
export function decodeStorage(assembly: Assembly, bytes: Uint8Array, storage: Storage, count: number): Float32Array {
  const { buffer, byteOffset } = bytes;
  if (storage === 'f16') return fromHalf(assembly, new Uint16Array(buffer, byteOffset, count));
  if (storage === 'i8') return new Float32Array(new Int8Array(buffer, byteOffset, count));
  return storage === 'f32'
    ? new Float32Array(buffer, byteOffset, count)
    : Float32Array.from(new Int32Array(buffer, byteOffset, count));
}
