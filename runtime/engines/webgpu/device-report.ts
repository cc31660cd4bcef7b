// A sentence on the device: the tensors that pass from the text plan to the frame plan, and its mask.

import { bytesOfView } from '../../../formats/weights/encode-storage.js';
import type { GpuDevice } from '../../../gpu/device.js';
import type { EngineReport } from '../network-engine.js';
import type { Plan } from './plan.js';

const ALIGNMENT = 4;

export class DeviceReport implements EngineReport {
  private constructor(
    private readonly gpu: GpuDevice,
    /** [padded length], 1 where there is a token. */
    private readonly mask: Int32Array,
    private readonly buffer: GPUBuffer,
    /** Where each of the report's tensors lies in the buffer. */
    private readonly places: ReadonlyMap<string, { readonly offset: number; readonly size: number }>,
  ) {}

  /** Room for the outputs of a text plan. */
  static async create(gpu: GpuDevice, plan: Plan, mask: Int32Array): Promise<DeviceReport> {
    const places = new Map<string, { offset: number; size: number }>();
    let bytes = 0;
    for (const name of plan.outputNames) {
      const { size } = plan.output(name).range;
      places.set(name, { offset: bytes, size });
      bytes += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    }
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = await gpu.createBuffer({ label: 'report', size: Math.max(bytes, ALIGNMENT), usage, kind: 'other' });
    return new DeviceReport(gpu, mask, buffer, places);
  }

  /** Padded. */
  get length(): number {
    return this.mask.length;
  }

  copyFrom(plan: Plan, encoder: GPUCommandEncoder): void {
    for (const [name, { offset, size }] of this.places) {
      const { range } = plan.output(name);
      encoder.copyBufferToBuffer(range.buffer, range.offset, this.buffer, offset, size);
    }
  }

  /** Into the frame plan's inputs, made for texts of `frameLength`: rows past this report's own are masked. */
  copyTo(plan: Plan, frameLength: number, encoder: GPUCommandEncoder): void {
    const mask = new Int32Array(frameLength);
    mask.set(this.mask);
    if (plan.inputNames.includes('mask')) plan.write('mask', bytesOfView(mask));
    for (const [name, { offset, size }] of this.places) {
      const { range } = plan.input(name);
      encoder.copyBufferToBuffer(this.buffer, offset, range.buffer, range.offset, size);
    }
  }

  dispose(): void {
    this.gpu.destroyBuffer(this.buffer);
  }
}
