// `node tools/probe-adapter.mjs`: prints the WebGPU adapter that Dawn finds. Exit 0: found; 3: none; 1: no Dawn to ask.
// A process of its own, because a broken Vulkan driver may end it.

import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
const adapter = await create([]).requestAdapter();
if (adapter === null) {
  console.log('no adapter');
  process.exit(3);
}
const { vendor, architecture, description } = adapter.info;
const f16 = adapter.features.has('shader-f16') ? 'shader-f16' : 'no shader-f16';
console.log([vendor, architecture, description, f16].filter(Boolean).join(', '));
// Dawn keeps threads; the answer is out.
process.exit(0);
