// Global setup of the gpu tier (vitest.config.ts).
export { requireGpu as setup } from './test-tiers.js';
