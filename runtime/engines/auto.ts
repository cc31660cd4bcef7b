// When `auto` takes an engine, and why it runs. Apart from what engines are (table.ts), so that a page can know it and load none.

import type { DeviceChoice } from '../types.js';
import { type AdapterTraits, nameOf } from './choice.js';
import { ENGINES, type EngineId } from './names.js';

/** The adapter that would be opened; where there is none, why, or null where none was looked for. */
export type Found = AdapterTraits | string | null;

export interface AutoRule {
  /** Whether `auto` takes it. The last engine takes what is there. */
  suits(found: Found): boolean;
  /** Why it runs, where it was asked for or suits. */
  reason(choice: DeviceChoice, found: Found): string;
}

const adapterOf = (found: Found): AdapterTraits | null => (typeof found === 'string' ? null : found);

/**
 * `auto` takes WebGPU where its adapter is hardware, else wasm: onnxruntime's kernels are made for a CPU, an adapter that runs on
 * one imitates a GPU with it. By name, any adapter is taken.
 */
export const autoRules: Readonly<Record<EngineId, AutoRule>> = {
  webgpu: {
    suits: found => adapterOf(found)?.software === false,
    reason(choice, found) {
      const adapter = adapterOf(found);
      const name = adapter ? nameOf(adapter) : 'not there';
      return choice === 'auto'
        ? `a hardware adapter is present: ${name}`
        : `webgpu was asked for; the adapter is ${name}`;
    },
  },
  wasm: {
    suits: () => true,
    reason(choice, found) {
      if (choice !== 'auto') return 'wasm was asked for';
      const adapter = adapterOf(found);
      const why = adapter
        ? `there is no hardware adapter, only ${nameOf(adapter)}, which runs on the CPU`
        : (found ?? 'there is no WebGPU adapter');
      return `${why}; wasm runs instead`;
    },
  },
};

export interface EngineChoice {
  readonly device: EngineId;
  readonly reason: string;
}

/** The engine that runs, and why. */
export function chooseEngine(choice: DeviceChoice, found: Found): EngineChoice {
  const device = choice === 'auto' ? ENGINES.find(name => autoRules[name].suits(found))! : choice;
  return { device, reason: autoRules[device].reason(choice, found) };
}
