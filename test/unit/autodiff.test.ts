// Every gradient rule against finite differences of the interpreter, on shapes that are multiples of nothing; and what
// reverse mode does with a graph as a whole.

import { describe, expect, test } from 'vitest';
import { unit } from '../../formats/weights/name-seeded-parameters.js';
import { gradients } from '../../graph/autodiff.js';
import { makeNode } from '../../graph/builder.js';
import { isOp, parametersOf, sameShape, sizeOf, type Tensor, topological } from '../../graph/graph.js';
import { evaluate, type Feed } from '../../graph/interpreter.js';
import { notDifferentiable } from '../../graph/ops/gradients/gradient.js';
import { gradientRules } from '../../graph/ops/gradients/gradient-table.js';
import { addGradientRules, type OpName, ruleOf, rules } from '../../graph/ops/table.js';
import { expandComposites } from '../../graph/passes/expand.js';
import { trainingBuilder as b } from '../../graph/training-builder.js';

addGradientRules(gradientRules);
const allRules = { ...rules, ...gradientRules };
const ops = Object.keys(allRules) as OpName[];

/** What is differentiated by; numbers in [-1, 1) fixed by name and size. */
const p = (name: string, ...shape: number[]) => b.parameter(name, shape);
const positive = (name: string, ...shape: number[]) => b.add(b.square(p(name, ...shape)), b.scalar(0.3));
const ids = (...shape: number[]) => b.input('ids', shape, 'i32');
const mask = (...shape: number[]) => b.input('mask', shape, 'i32');

const batch = p('x', 2, 3, 2, 3);

const unaryKinds = ['neg', 'exp', 'square', 'sigmoid', 'softplus', 'gelu', 'step'] as const;
const positiveKinds = ['log', 'sqrt', 'rsqrt', 'reciprocal'] as const;

const cases: { readonly [K in OpName]: readonly Tensor[] } = {
  attention: [
    b.attention(p('q', 2, 3, 6), p('k', 2, 4, 6), p('v', 2, 4, 6), mask(2, 4), { heads: 2 }),
    b.attention(p('q', 1, 5, 7), p('q', 1, 5, 7), p('v', 1, 5, 7), null, { heads: 1 }),
  ],
  attentionGradient: [
    b.attentionGradient(p('q', 1, 3, 4), p('k', 1, 2, 4), p('v', 1, 2, 4), null, p('dy', 1, 3, 4), { heads: 2 }),
  ],
  batchNorm: [b.batchNorm(p('x', 2, 3, 2, 3), p('w', 3), p('b', 3), p('m', 3), positive('v', 3), { eps: 1e-5 })],
  batchNormGradient: [
    b.batchNormGradient(batch, p('w', 3), b.batchStatistics(batch), p('y', 2, 3, 2, 3), p('dy', 2, 3, 2, 3), {
      eps: 1e-5,
      slope: 0.1,
    }),
  ],
  batchNormTraining: [
    b.batchNormTraining(batch, p('w', 3), p('b', 3), b.batchStatistics(batch), { eps: 1e-5, slope: 0.1 }),
    b.batchNormTraining(p('w', 5, 1), p('b', 1), p('b', 1), b.batchStatistics(p('w', 5, 1)), { eps: 0.1, slope: 1 }),
  ],
  batchStatistics: [b.batchStatistics(batch), b.batchStatistics(p('x', 7, 2))],
  binary: [
    b.add(p('x', 3, 1, 4), p('y', 2, 1)),
    b.sub(p('x', 1, 5), p('y', 3, 5)),
    b.mul(p('x', 2, 3, 3, 2), p('y', 2, 3, 3, 1)),
    b.mul(p('x', 2, 3), p('x', 2, 3)),
    b.div(p('x', 4, 1), positive('y', 1, 5)),
    b.max(p('x', 3, 7), p('y', 7)),
    makeNode('binary', [p('x', 3, 7), p('y', 3, 1)], { kind: 'min' }),
  ],
  broadcast: [b.broadcast(p('x', 3, 1), { shape: [2, 3, 5] }), b.broadcast(p('x', 1), { shape: [1, 7] })],
  concat: [
    b.concat([p('x', 2, 3), p('y', 2, 1), p('z', 2, 4)], { axis: 1 }),
    b.concat([p('x', 1, 3), p('y', 2, 3)], { axis: 0 }),
  ],
  conv2d: [
    b.conv2d(p('x', 2, 4, 5, 3), p('w', 2, 3, 3, 3), p('b', 2), { stride: 1, padding: 1 }),
    b.conv2d(p('x', 1, 7, 6, 2), p('w', 3, 2, 3, 2), null, { stride: 2, padding: 1 }),
    b.conv2d(p('x', 1, 9, 9, 1), p('w', 2, 4, 4, 1), p('b', 2), { stride: 4, padding: 0 }),
  ],
  conv2dInputGradient: [
    b.conv2dInputGradient(p('dy', 1, 2, 2, 3), p('w', 3, 2, 2, 1), { stride: 2, padding: 0, height: 5, width: 4 }),
  ],
  conv2dWeightGradient: [
    b.conv2dWeightGradient(p('x', 1, 4, 4, 2), p('dy', 1, 2, 2, 3), {
      stride: 2,
      padding: 0,
      kernelHeight: 2,
      kernelWidth: 2,
    }),
  ],
  depthToSpace: [
    b.depthToSpace(p('x', 2, 3, 2, 8), { block: 2, order: 'CRD' }),
    b.depthToSpace(p('x', 1, 3, 2, 9), { block: 3, order: 'DCR' }),
  ],
  depthwise: [
    b.depthwise(p('x', 2, 4, 5, 3), p('w', 7, 3, 3), p('b', 3)),
    b.depthwise(p('x', 1, 2, 9, 1), p('w', 5, 5, 1), null),
  ],
  depthwiseInputGradient: [b.depthwiseInputGradient(p('dy', 1, 3, 3, 2), p('w', 3, 3, 2))],
  depthwiseNorm: [makeNode('depthwiseNorm', [p('x', 1, 4, 3, 5), p('w', 3, 3, 5), p('b', 5)], { eps: 1e-6 })],
  depthwiseWeightGradient: [
    b.depthwiseWeightGradient(p('x', 1, 3, 3, 2), p('dy', 1, 3, 3, 2), { kernelHeight: 3, kernelWidth: 3 }),
  ],
  embedding: [b.embedding(p('w', 5, 3), ids(2, 4))],
  embeddingGradient: [b.embeddingGradient(ids(2, 4), p('dy', 2, 4, 3), { vocabulary: 5 })],
  fusedConv2d: [
    makeNode(
      'fusedConv2d',
      [p('x', 1, 3, 4, 2), p('y', 1, 3, 4, 3), p('w', 4, 3, 3, 5), p('b', 4), p('g', 1, 3, 4, 1)],
      {
        stride: 1,
        padding: 1,
        activation: 'leakyRelu',
        block: 2,
        order: 'CRD',
      },
    ),
  ],
  fusedLinear: [
    makeNode('fusedLinear', [p('x', 2, 3, 4), p('w', 5, 4), p('b', 5), p('rows', 3, 5), p('r', 2, 3, 5)], {
      activation: 'gelu',
      block: 1,
    }),
  ],
  geluGradient: [b.geluGradient(p('x', 3, 7), p('dy', 3, 7))],
  // with rows as they are, and divided by eps
  l2Normalize: [b.l2Normalize(p('x', 3, 5), { eps: 1e-12 }), b.l2Normalize(p('x', 3, 5), { eps: 50 })],
  l2NormalizeGradient: [b.l2NormalizeGradient(p('x', 3, 5), p('dy', 3, 5), { eps: 1e-12 })],
  layerNorm: [
    b.layerNorm(p('x', 3, 7), p('w', 7), p('b', 7), { eps: 1e-6 }),
    b.layerNorm(p('x', 2, 2, 5), null, null, { eps: 0.1 }),
  ],
  layerNormGradient: [b.layerNormGradient(p('x', 3, 5), p('w', 5), p('dy', 3, 5), { eps: 1e-5 })],
  linear: [
    b.linear(p('x', 2, 3, 5), p('w', 4, 5), p('b', 4)),
    b.linear(p('x', 3, 5), p('x', 3, 5)),
    b.linear(p('x', 7), p('w', 2, 7)),
  ],
  linearInputGradient: [b.linearInputGradient(p('dy', 2, 3, 4), p('w', 4, 5))],
  linearWeightGradient: [b.linearWeightGradient(p('x', 2, 3, 5), p('dy', 2, 3, 4))],
  ltem: [b.ltem(p('x', 2, 2, 3, 5), p('t', 2, 5), { tau: 0.5 })],
  maskedMean: [b.maskedMean(p('x', 2, 4, 3), mask(2, 4))],
  maxPool: [
    b.maxPool(p('x', 2, 4, 5, 3), { size: 2, stride: 2, padding: 0 }),
    b.maxPool(p('x', 1, 5, 6, 4), { size: 3, stride: 2, padding: 1 }),
  ],
  maxPoolGradient: [b.maxPoolGradient(p('x', 1, 4, 4, 2), p('dy', 1, 2, 2, 2), { size: 2, stride: 2, padding: 0 })],
  normResidual: [
    makeNode('normResidual', [p('x', 3, 7), p('w', 7), p('b', 7), p('pre', 3, 7), p('post', 3, 7)], { eps: 1e-5 }),
  ],
  packedAttention: [
    makeNode('packedAttention', [p('q', 2, 3, 12), p('q', 2, 3, 12), p('q', 2, 3, 12), mask(2, 3)], {
      heads: 2,
      channels: 4,
      offsets: [0, 4, 8],
    }),
  ],
  permute: [b.permute(p('x', 2, 3, 4, 5), [2, 0, 3, 1])],
  reduce: [
    b.sum(p('x', 3, 4, 5), [1]),
    b.mean(p('x', 2, 3, 4, 5), [1, 2]),
    makeNode('reduce', [p('x', 5, 6)], { kind: 'max', axes: [0] }),
  ],
  reshape: [b.reshape(p('x', 2, 6), [3, 4])],
  resize: [
    b.resize(p('x', 2, 3, 2, 2), { height: 6, width: 4 }),
    b.resize(p('x', 1, 7, 5, 1), { height: 3, width: 11 }),
  ],
  resizeGradient: [b.resizeGradient(p('dy', 1, 6, 4, 2), { height: 3, width: 2 })],
  scaledEmbedding: [makeNode('scaledEmbedding', [p('w', 5, 3), ids(2, 4), p('s', 5)], {})],
  slice: [
    b.slice(p('x', 3, 9), { axis: 1, start: 2, end: 7 }),
    b.slice(p('x', 5, 2), { axis: 0, start: 0, end: 3 }),
    b.slice(p('x', 5, 2), { axis: 0, start: 4, end: 5 }),
  ],
  softmax: [b.softmax(p('x', 3, 7)), b.logSoftmax(p('x', 2, 5))],
  unary: [
    ...unaryKinds.map(kind => makeNode('unary', [p('x', 3, 7)], { kind })),
    ...positiveKinds.map(kind => makeNode('unary', [positive('x', 3, 7)], { kind })),
    b.leakyRelu(p('x', 3, 7), 0.1),
  ],
};

/** Repeated ids, and masks that keep at least their first place. */
const integers = (name: string): number[] => (name === 'mask' ? [1, 1, 0, 1, 1, 1, 1, 0] : [3, 0, 3, 4, 9, 3, 1, 0]);

/** Σ y dy over fixed dy, so that every element of y has a derivative of its own. */
const weigh = (y: Tensor): Tensor =>
  b.sum(b.reshape(b.mul(y, b.constant(unit('dy', sizeOf(y.shape)), y.shape)), [-1]), [0]);

const valuesFor = (loss: Tensor): Map<string, Float64Array> =>
  new Map([...parametersOf({ loss })].map(([name, shape]) => [name, new Float64Array(unit(name, sizeOf(shape)))]));

const feedOf = (values: ReadonlyMap<string, Float64Array>, loss: Tensor): Feed => ({
  parameter: name => values.get(name)!,
  input(name) {
    const leaf = topological([loss]).find(t => t.op === 'input' && t.name === name)!;
    return integers(name).slice(0, sizeOf(leaf.shape));
  },
});

/** Compares each derivative (of long tensors, every few) with a central difference, whose error is of the order STEP². */
const STEP = 1e-4;

function expectDerivatives(loss: Tensor): void {
  const values = valuesFor(loss);
  const feed = feedOf(values, loss);
  const found = evaluate(gradients(loss, values.keys()), feed);
  for (const [name, data] of values) {
    const stride = Math.max(1, Math.floor(data.length / 25));
    for (let i = 0; i < data.length; i += stride) {
      const at = data[i]!;
      const [above, below] = [at + STEP, at - STEP].map(x => {
        data[i] = x;
        return evaluate({ loss }, feed).loss.data[0]!;
      }) as [number, number];
      data[i] = at;
      const difference = (above - below) / (2 * STEP);
      // Absent: the loss does not depend on it (behind a step), and the difference must say so.
      const derivative = found[name]?.data[i] ?? 0;
      expect(Math.abs(derivative - difference), `${name}[${i}]: ${derivative} for ${difference}`).toBeLessThan(
        2e-6 * Math.max(1, Math.abs(difference)),
      );
    }
  }
}

const ofDerivatives = (op: OpName): boolean => ruleOf(op).expand === undefined && op.endsWith('Gradient');

describe.each(ops)('%s', op => {
  const rows = cases[op].map((y, i) => ({ i, loss: weigh(y) }));
  if (ofDerivatives(op)) {
    test.each(rows)('$i has no second derivative, and says so', ({ loss }) => {
      expect(() => gradients(loss, parametersOf({ loss }).keys())).toThrow(
        `gradients: the loss must be made of ops with derivatives, got ${op}; differentiate once only`,
      );
    });
  } else test.each(rows)('$i against finite differences', ({ loss }) => expectDerivatives(loss));
});

test('only ops that are derivatives themselves go without a rule', () => {
  const without = Object.entries(allRules).filter(
    ([, rule]) => 'gradient' in rule && rule.gradient === notDifferentiable,
  );
  expect(without.map(([op]) => op)).toEqual(ops.filter(ofDerivatives));
});

describe('where a function has a corner', () => {
  const derivative = (make: (x: Tensor) => Tensor, at: number[]) => {
    const loss = b.sum(b.reshape(make(p('x', at.length)), [-1]), [0]);
    return [...evaluate(gradients(loss, ['x']), { parameter: () => at }).x!.data];
  };
  test('leakyRelu takes its slope at 0, as torch does', () => {
    expect(derivative(x => b.leakyRelu(x, 0.1), [0, -0])).toEqual([0.1, 0.1]);
  });
  test('max and min share where both are equal, as torch does', () => {
    expect(derivative(x => b.max(x, b.scalar(1)), [1, 2, 0])).toEqual([0.5, 1, 0]);
    expect(derivative(x => makeNode('binary', [x, b.scalar(1)], { kind: 'min' }), [1, 2, 0])).toEqual([0.5, 0, 1]);
    expect(derivative(x => makeNode('reduce', [x], { kind: 'max', axes: [0] }), [3, 1, 3])).toEqual([0.5, 0, 0.5]);
  });
  test('max-pooling gives all to the first of equal numbers, as torch does', () => {
    const pooled = (x: Tensor) => b.maxPool(b.reshape(x, [1, 2, 4, 1]), { size: 2, stride: 2, padding: 0 });
    expect(derivative(pooled, [0, 3, 0, 0, 3, 1, 0, 0])).toEqual([0, 1, 1, 0, 0, 0, 0, 0]);
  });
  test('a vector of zeros is normalised without a NaN', () => {
    const y = b.l2Normalize(b.reshape(p('x', 3), [1, 3]), { eps: 1e-12 });
    const { x } = evaluate(gradients(b.sum(b.reshape(b.mul(y, y), [3]), [0]), ['x']), { parameter: () => [0, 0, 0] });
    expect([...x!.data]).toEqual([0, 0, 0]);
  });
});

describe('reverse mode', () => {
  test('one name in several leaves has one gradient, the sum', () => {
    const loss = b.add(b.mul(p('x', 1), b.scalar(2)), b.square(p('x', 1)));
    expect([...evaluate(gradients(loss, ['x']), { parameter: () => [3] }).x!.data]).toEqual([8]);
  });

  test('only what is asked for is differentiated, and a stranger has no entry', () => {
    const loss = b.mul(b.linear(p('x', 1, 1), p('w', 1, 1)), b.gelu(p('frozen', 1, 1)));
    const found = gradients(loss, ['w', 'unknown']);
    expect(Object.keys(found)).toEqual(['w']);
    expect(topological(Object.values(found)).filter(t => isOp(t) && t.op === 'linearInputGradient')).toEqual([]);
  });

  test('entries come in the order of the backward pass', () => {
    const loss = b.reshape(b.linear(b.gelu(b.linear(p('x', 1, 1), p('first', 1, 1))), p('last', 1, 1)), [1]);
    expect(Object.keys(gradients(loss, ['x', 'first', 'last']))).toEqual(['last', 'first', 'x']);
  });

  test('the same loss gives the same graph', () => {
    const build = () => {
      const x = p('x', 2, 3);
      return weigh(b.add(b.mul(x, b.softmax(x)), b.layerNorm(x, p('w', 3), p('b', 3), { eps: 1e-5 })));
    };
    const shape = () => topological(Object.values(gradients(build(), ['x', 'w', 'b']))).map(t => `${t.op} ${t.shape}`);
    expect(shape()).toEqual(shape());
  });

  test('deep graphs are differentiated without recursion', () => {
    let y: Tensor = p('x', 1);
    for (let i = 0; i < 20_000; i++) y = b.add(y, b.scalar(1));
    expect([...evaluate(gradients(y, ['x']), { parameter: () => [0] }).x!.data]).toEqual([1]);
  });

  test('the loss is one number', () => {
    expect(() => gradients(p('x', 2), ['x'])).toThrow(
      'gradients: the loss must be one number, got [2]; sum or average it',
    );
  });
});

test('a composite with a gradient of its own stays whole, and that is the gradient of what it stands for', () => {
  const loss = (x: Tensor) => weigh(b.mul(x, x));
  const x = p('x', 4, 6);
  const whole = gradients(loss(b.l2Normalize(x, { eps: 0.5 })), ['x']).x!;
  const { y } = expandComposites({ y: b.l2Normalize(x, { eps: 0.5 }) });
  const inParts = gradients(loss(y!), ['x']).x!;
  const ops = (t: Tensor) => topological([t]).flatMap(node => (isOp(node) ? [node.op] : []));
  expect(ops(whole)).toEqual(expect.arrayContaining(['l2Normalize', 'l2NormalizeGradient']));
  expect(ops(inParts)).not.toContain('l2NormalizeGradient');
  // the second row is shorter than eps, and the third is nothing at all
  const values = Float64Array.from({ length: 24 }, (_, i) => (i < 6 ? i - 2 : i < 12 ? 0.01 * i : i < 18 ? 0 : 9 - i));
  const { a, c } = evaluate({ a: whole, c: inParts }, { parameter: () => values });
  a.data.forEach((value, i) => {
    expect(value).toBeCloseTo(c.data[i]!, 12);
  });
});

test('expanding leaves core ops alone, and nothing else', () => {
  const x = b.input('x', [1, 2, 2, 4]);
  const gated = b.mul(b.resize(x, { height: 4, width: 4 }), b.ltem(x, b.input('t', [1, 4]), { tau: 1 }));
  const { y } = expandComposites({ y: gated });
  expect(topological([y!]).filter(t => isOp(t) && ruleOf(t.op).expand)).toEqual([]);
  expect(sameShape(y!.shape, gated.shape)).toBe(true);
  expect(expandComposites({ y: y! }).y).toBe(y);
});
