// The engines by name, in the order in which `auto` asks them, and what is known of each without loading it. What they do is in
// runtime/engines/table.ts; a page, the command's help and a file's schema need only this.

export const ENGINES = ['webgpu', 'wasm'] as const;

export type EngineId = (typeof ENGINES)[number];

/** What a caller may ask for. */
export const DEVICES = ['auto', ...ENGINES] as const;

/** Which run on a WebGPU adapter: those can be lost, have kernels of their own, and can train. The others run on the CPU. */
const ON_GPU: Readonly<Record<EngineId, boolean>> = { webgpu: true, wasm: false };

export const runsOnGpu = (device: EngineId): boolean => ON_GPU[device];

/** Whether what runs on a GPU alone (training, a look at layers) may go on with what the caller asked for. */
export const takesGpu = (choice: (typeof DEVICES)[number]): boolean => choice === 'auto' || runsOnGpu(choice);
