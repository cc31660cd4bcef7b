import { defineConfig } from 'vitest/config';
import { askedTiers, excusedTiers, type NamedTier, type Tier, tiers } from './tools/test-tiers.js';
import { TierReporter } from './tools/tier-reporter.js';

const excused = excusedTiers();

// A limit ends what hangs, and nothing else: no test may fail because the machine has other work to do.
const patient = { testTimeout: 600_000, hookTimeout: 600_000, expect: { poll: { timeout: 300_000 } } } as const;

// Software devices take seconds where a GPU takes milliseconds, and use every core: one file at a time.
const onDevice = { ...patient, fileParallelism: false, pool: 'forks' } as const;

const options = {
  unit: patient,
  gpu: { ...onDevice, globalSetup: './tools/require-gpu.ts' },
  browser: { ...onDevice, globalSetup: './tools/require-browser.ts' },
  torch: { ...onDevice, globalSetup: './tools/require-torch.ts' },
} as const satisfies Record<Tier | NamedTier, object>;

export default defineConfig({
  // As in vite.config.ts.
  assetsInclude: ['**/*.deflate'],
  test: {
    projects: [...tiers.filter(tier => !excused.has(tier)), ...askedTiers()].map((tier, order) => ({
      extends: true as const,
      // Tiers run one after another, cheapest first: a type of mistake is found where it costs least.
      test: { name: tier, include: [`test/${tier}/**/*.test.ts`], sequence: { groupOrder: order }, ...options[tier] },
    })),
    // The package's copy of onnxruntime-web, which is loaded by its address as users load it.
    server: { deps: { external: [/\/onnxruntime\/ort/] } },
    reporters: ['default', new TierReporter()],
    coverage: {
      provider: 'v8',
      include: [
        'graph/**/*.ts',
        'networks/**/*.ts',
        'language/**/*.ts',
        'formats/**/*.ts',
        'runtime/**/*.ts',
        'node/**/*.ts',
      ],
      // types.ts files hold no code.
      exclude: ['**/types.ts'],
      reporter: ['text-summary', 'html'],
      // Enforced by `npm test`, the one run that passes --coverage.
      thresholds: { lines: 90 },
    },
  },
});
