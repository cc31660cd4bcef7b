// Global setup of the torch tier (vitest.config.ts).
export { requireTorch as setup } from './test-tiers.js';
