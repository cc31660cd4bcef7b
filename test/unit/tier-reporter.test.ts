import { describe, expect, test } from 'vitest';
import type { TestModule } from 'vitest/node';
import { chromiumCandidates } from '../../tools/chromium.mjs';
import { excusedTiers } from '../../tools/test-tiers.js';
import { summaryLine, tally } from '../../tools/tier-reporter.js';

const states = ['passed', 'failed', 'skipped', 'pending'] as const;

/** The little of a vitest module that `tally` reads. */
function module(tier: string, tests: (typeof states)[number][], suiteErrors = 0, moduleErrors = 0): TestModule {
  return {
    project: { name: tier },
    children: {
      allTests: () => tests.map(state => ({ result: () => ({ state }) })),
      allSuites: () => Array.from({ length: suiteErrors }, () => ({ errors: () => [new Error('hook')] })),
    },
    errors: () => Array.from({ length: moduleErrors }, () => new Error('import')),
    diagnostic: () => ({ duration: 500 }),
  } as unknown as TestModule;
}

describe('tally', () => {
  test('counts each tier by itself and sums files', () => {
    const tiers = tally([module('unit', ['passed', 'failed']), module('unit', ['passed']), module('gpu', ['skipped'])]);
    expect(tiers.get('unit')).toEqual({ passed: 2, failed: 1, skipped: 0, seconds: 1 });
    expect(tiers.get('gpu')).toEqual({ passed: 0, failed: 0, skipped: 1, seconds: 0.5 });
    expect(summaryLine(tiers.values())).toBe('2 passed, 1 failed, 1 skipped');
  });

  test('a file that cannot be imported, a hook that throws and a test that never ended are failures', () => {
    const tiers = tally([module('unit', [], 0, 1), module('unit', ['passed'], 2), module('unit', ['pending'])]);
    expect(summaryLine(tiers.values())).toBe('1 passed, 4 failed');
  });
});

describe('excusedTiers', () => {
  test('names tiers', () => expect([...excusedTiers('browser, gpu')]).toEqual(['browser', 'gpu']));
  test('nothing is excused unless named', () => expect([...excusedTiers('')]).toEqual([]));
  test.each(['unit', 'GPU', 'webgpu'])('rejects %s', name => {
    expect(() => excusedTiers(name)).toThrow(
      `TMCA_EXCUSE: must name gpu, browser or both (comma between), got "${name}"`,
    );
  });
});

test('TMCA_CHROMIUM is the only candidate when set', () => {
  expect(chromiumCandidates({ TMCA_CHROMIUM: '/opt/chromium' }, 'linux')).toEqual(['/opt/chromium']);
  expect(chromiumCandidates({}, 'linux')).toContain('/usr/bin/chromium');
});
