// What the engines are called, in the order in which `auto` asks them. Apart from what they do (runtime/engines/table.ts), so that
// a page, the command's help and a file's schema can name them and load none.

export const ENGINES = ['webgpu', 'wasm'] as const;

export type EngineId = (typeof ENGINES)[number];

/** What a caller may ask for. */
export const DEVICES = ['auto', ...ENGINES] as const;
