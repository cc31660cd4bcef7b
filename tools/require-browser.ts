// Global setup of the browser tier (vitest.config.ts).
export { requireBrowser as setup } from './test-tiers.js';
