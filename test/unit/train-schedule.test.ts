// Learning rates against PyTorch's closed form and its recurrence; parameter rules on the reference's names.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { learningRate, parameterSettings, warmedUp } from '../../train/schedule.js';

describe('learningRate', () => {
  const paper = { lr: 3e-4, minLr: 1e-6, warmupSteps: 0, totalSteps: 200 };

  test('is CosineAnnealingLR(T_max=200, eta_min=1e-6) at 3e-4', () => {
    // eta_min + (lr - eta_min) (1 + cos(pi t / T_max)) / 2, where the cosine is known in roots
    const closed = (cosine: number) => 1e-6 + (2.99e-4 * (1 + cosine)) / 2;
    const root = Math.SQRT1_2;
    expect(learningRate(0, paper)).toBe(3e-4);
    expect(learningRate(50, paper)).toBeCloseTo(closed(root), 12);
    expect(learningRate(100, paper)).toBeCloseTo(closed(0), 12);
    expect(learningRate(150, paper)).toBeCloseTo(closed(-root), 12);
    expect(learningRate(200, paper)).toBe(1e-6);
    expect(learningRate(5000, paper)).toBe(1e-6);
  });

  test('follows the recurrence by which PyTorch steps it', () => {
    // CosineAnnealingLR.get_lr: lr' = (1 + cos(pi t / T)) / (1 + cos(pi (t - 1) / T)) (lr - eta_min) + eta_min
    let lr = 3e-4;
    for (let t = 1; t < 200; t++) {
      lr = ((1 + Math.cos((Math.PI * t) / 200)) / (1 + Math.cos((Math.PI * (t - 1)) / 200))) * (lr - 1e-6) + 1e-6;
      expect(Math.abs(learningRate(t, paper) - lr)).toBeLessThan(1e-15);
    }
  });

  test('warms up in equal steps and never jumps', () => {
    const warm = { ...paper, warmupSteps: 4, totalSteps: 24 };
    const rates = Array.from({ length: 24 }, (_, t) => learningRate(t, warm));
    expect(rates.slice(0, 5)).toEqual([0.25, 0.5, 0.75, 1, 1].map(x => x * 3e-4));
    expect(rates[14]).toBeCloseTo((3e-4 + 1e-6) / 2, 12);
    const schedule = fc.record({
      lr: fc.double({ min: 1e-5, max: 1, noNaN: true }),
      minLr: fc.constant(1e-6),
      warmupSteps: fc.nat(20),
      totalSteps: fc.integer({ min: 21, max: 90 }),
    });
    fc.assert(
      fc.property(schedule, s => {
        for (let t = 1; t <= s.totalSteps; t++) {
          const change = learningRate(t, s) - learningRate(t - 1, s);
          if (t < s.warmupSteps) expect(change).toBeGreaterThan(0);
          else expect(change).toBeLessThanOrEqual(1e-15); // roundings
        }
      }),
    );
  });

  test('a warm-up as long as the run has no cosine', () => {
    const only = { ...paper, warmupSteps: 2, totalSteps: 2 };
    expect([0, 1, 2].map(t => learningRate(t, only))).toEqual([1.5e-4, 3e-4, 1e-6]);
  });

  test.each([-1, 0.5, Number.NaN])('no step %d', step => {
    expect(() => learningRate(step, paper)).toThrow(/must be integers of at least 0/);
  });

  test('the contrastive weight grows from 0 to its value', () => {
    expect([0, 1, 2, 4, 9].map(step => warmedUp(step, 2, 4))).toEqual([0, 0.5, 1, 2, 2]);
    expect(warmedUp(0, 2, 0)).toBe(2);
  });
});

describe('parameterSettings', () => {
  const names = [
    'image_encoder.encoder.stages.0.layers.0.dwconv.weight',
    'image_encoder.encoder.stages.1.layers.0.dwconv.weight',
    'image_encoder.encoder.stages.10.layers.0.dwconv.weight',
    'text_encoder.encoder.layer.0.output.dense.weight',
    'text_encoder.encoder.layer.11.output.dense.weight',
    'text_encoder2.weight',
    'decoder.weight',
  ];
  const frozen = (rules: Parameters<typeof parameterSettings>[1]) =>
    [...parameterSettings(names, rules)].filter(([, s]) => s.frozen).map(([name]) => names.indexOf(name));

  test('a prefix ends at a dot, and the longest counts whatever the order', () => {
    expect(frozen([])).toEqual([]);
    expect(frozen([{ prefix: 'text_encoder', frozen: true }])).toEqual([3, 4]);
    expect(frozen([{ prefix: 'image_encoder.encoder.stages.1', frozen: true }])).toEqual([1]);
    const thawed = [
      { prefix: 'text_encoder.encoder.layer.11', frozen: false },
      { prefix: 'text_encoder', frozen: true },
    ];
    expect(frozen(thawed)).toEqual([3]);
    expect(frozen([...thawed].reverse())).toEqual([3]);
    expect(frozen([{ prefix: 'decoder.weight', frozen: true }])).toEqual([6]);
  });

  test('what a longer rule does not say, the shorter one does', () => {
    const settings = parameterSettings(names, [
      { prefix: 'image_encoder', lrScale: 0.1 },
      { prefix: 'image_encoder.encoder.stages.0', frozen: true },
    ]);
    expect(settings.get(names[0]!)).toEqual({ lrScale: 0.1, frozen: true });
    expect(settings.get(names[1]!)).toEqual({ lrScale: 0.1, frozen: false });
    expect(settings.get('decoder.weight')).toEqual({ lrScale: 1, frozen: false });
    expect([...settings.keys()]).toEqual(names);
  });

  test.each<[string, Parameters<typeof parameterSettings>[1], RegExp]>([
    [
      'a slip',
      [{ prefix: 'text_encode', frozen: true }],
      /must begin the name of a parameter, got "text_encode"; names/,
    ],
    ['an empty prefix', [{ prefix: '', frozen: true }], /must begin the name of a parameter, got ""/],
    ['a prefix twice', [{ prefix: 'decoder' }, { prefix: 'decoder', frozen: true }], /"decoder" twice; join the rules/],
    [
      'a negative scale',
      [{ prefix: 'decoder', lrScale: -1 }],
      /lrScale must be a finite number .* got -1 for "decoder"/,
    ],
    [
      'everything frozen',
      ['image_encoder', 'text_encoder', 'text_encoder2', 'decoder'].map(prefix => ({ prefix, frozen: true })),
      /some parameter must be trained, got all 7 frozen/,
    ],
  ])('refuses %s', (_, rules, message) => {
    const code = 'CONFIG_INVALID';
    expect(() => parameterSettings(names, rules)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
