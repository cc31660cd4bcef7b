// Prints tests per tier and, as the last line of the run, `N passed, N failed` (and `, N skipped` if any).

import type { Reporter, TestModule } from 'vitest/node';
import { excusedTiers } from './test-tiers.js';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  seconds: number;
}

/**
 * Tests of each tier. What fails outside a test (an import, a hook around a whole file) counts as one failed test of its
 * file, so that a file that could not run is never a green one.
 */
export function tally(modules: readonly TestModule[]): Map<string, Tally> {
  const tiers = new Map<string, Tally>();
  for (const module of modules) {
    const name = module.project.name || 'all';
    const tier = tiers.get(name) ?? { passed: 0, failed: 0, skipped: 0, seconds: 0 };
    tiers.set(name, tier);
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      tier[state === 'pending' ? 'failed' : state]++;
    }
    const suites = [...module.children.allSuites()].filter(suite => suite.errors().length > 0);
    tier.failed += suites.length + (module.errors().length > 0 ? 1 : 0);
    tier.seconds += module.diagnostic().duration / 1000;
  }
  return tiers;
}

/** `3 passed, 0 failed`; skipped tests are named only if there are any. */
export function summaryLine(tiers: Iterable<Tally>): string {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const tier of tiers) for (const key of ['passed', 'failed', 'skipped'] as const) sum[key] += tier[key];
  return `${sum.passed} passed, ${sum.failed} failed${sum.skipped ? `, ${sum.skipped} skipped` : ''}`;
}

export class TierReporter implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly unknown[],
    reason: 'passed' | 'interrupted' | 'failed',
  ): void {
    const tiers = tally(modules);
    console.log('\nTests per tier (seconds summed over files, which may run side by side):');
    for (const [name, tier] of tiers)
      console.log(`  ${name.padEnd(8)} ${summaryLine([tier])}  ${tier.seconds.toFixed(1)} s`);
    for (const name of excusedTiers())
      console.log(`  ${name.padEnd(8)} NOT RUN: excused by TMCA_EXCUSE. Nothing is known about it.`);
    // The coverage table and its thresholds come after this hook, so the last line waits for the end of the process.
    process.once('exit', code => {
      const beyondTests = { passed: 0, failed: errors.length, skipped: 0, seconds: 0 };
      const all = [...tiers.values(), beyondTests];
      if ((code || reason !== 'passed') && all.every(tier => tier.failed === 0)) {
        console.log(
          `The run failed outside its tests (${reason === 'passed' ? 'coverage threshold or exit code' : reason}): counted as one failure.`,
        );
        beyondTests.failed = 1;
      }
      console.log(summaryLine(all));
    });
  }
}
