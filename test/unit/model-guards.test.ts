// What the graph refuses, and says.

import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { StructuralKeys } from '../../graph/constant-keys.js';
import { type OpTensor, parametersOf, type Tensor, topological } from '../../graph/graph.js';
import { evaluate } from '../../graph/interpreter.js';
import { bytesOf, legalise, lower } from '../../graph/lower.js';
import { gradientRules } from '../../graph/ops/gradients/gradient-table.js';
import { erf } from '../../graph/ops/shared/erf.js';
import { addGradientRules, rules } from '../../graph/ops/table.js';
import { partition } from '../../graph/passes/index.js';
import { setPrecision } from '../../graph/passes/precision.js';
import { trainingBuilder as b } from '../../graph/training-builder.js';

addGradientRules(gradientRules);

const at = (...shape: number[]): Tensor => b.input('x', shape);

const mistakes: [string, () => Tensor, string][] = [
  ['linear', () => b.linear(at(2, 3), at(4, 5)), 'linear: x […,K] and W [N,K] must agree in K, got [2,3] and [4,5]'],
  ['linear bias', () => b.linear(at(2, 3), at(4, 3), at(3)), 'linear: input 2 must be a vector of 4, got [3]'],
  [
    'conv2d',
    () => b.conv2d(at(1, 8, 8, 3), at(4, 3, 3, 2), null, { stride: 1, padding: 1 }),
    'conv2d: x [B,H,W,C] and W [O,kh,kw,C] must agree in C, got [1,8,8,3] and [4,3,3,2]',
  ],
  [
    'conv2d kernel',
    () => b.conv2d(at(1, 2, 2, 3), at(4, 5, 5, 3), null, { stride: 1, padding: 0 }),
    'conv2d: the kernel must fit into the padded map, got [1,2,2,3] and [4,5,5,3]',
  ],
  [
    'depthwise',
    () => b.depthwise(at(1, 8, 8, 3), at(7, 7, 4), null),
    'depthwise: x [B,H,W,C] and W [kh,kw,C] must agree in C, got [1,8,8,3] and [7,7,4]',
  ],
  [
    'depthwise even',
    () => b.depthwise(at(1, 8, 8, 3), at(2, 3, 3), null),
    'depthwise: kernel sides must be odd, got [2,3,3]',
  ],
  [
    'attention heads',
    () => b.attention(at(1, 4, 6), at(1, 5, 6), at(1, 5, 6), null, { heads: 4 }),
    'attention: 4 heads must divide the channels, got [1,4,6]',
  ],
  [
    'attention keys',
    () => b.attention(at(1, 4, 6), at(1, 5, 6), at(1, 4, 6), null, { heads: 2 }),
    'attention: q [B,N,C], k and v [B,L,C] must agree, got [1,4,6] and [1,5,6] and [1,4,6]',
  ],
  [
    'attention mask',
    () => b.attention(at(1, 4, 6), at(1, 5, 6), at(1, 5, 6), at(1, 4), { heads: 2 }),
    'attention: mask must be [B,L], got [1,4] and [1,5,6]',
  ],
  [
    'layerNorm',
    () => b.layerNorm(at(2, 3), at(4), at(4), { eps: 1 }),
    'layerNorm: input 1 must be a vector of 3, got [4]',
  ],
  [
    'layerNorm alone',
    () => b.layerNorm(at(2, 3), at(3), null, { eps: 1 }),
    'layerNorm: weight and bias come together, got [2,3]',
  ],
  ['binary', () => b.add(at(2, 3), at(2)), 'binary: shapes must broadcast, got [2,3] and [2]'],
  ['reduce', () => b.sum(at(2, 3, 4), [0, 2]), 'reduce: axes 0,2 must be neighbours within the shape, got [2,3,4]'],
  ['reshape', () => b.reshape(at(2, 3), [4]), 'reshape: sizes must be equal, got [2,3] and [4]'],
  ['permute', () => b.permute(at(2, 3), [0, 0]), 'permute: order 0,0 must name every axis once, got [2,3]'],
  [
    'slice',
    () => b.slice(at(2, 3), { axis: 1, start: 2, end: 4 }),
    'slice: range 2..4 must lie within axis 1, got [2,3]',
  ],
  [
    'concat',
    () => b.concat([at(2, 3), at(3, 3)], { axis: 1 }),
    'concat: shapes must be equal but for axis 1, got [2,3] and [3,3]',
  ],
  ['resize', () => b.resize(at(2, 3), { height: 4, width: 4 }), 'resize: x must be [B,H,W,C], got [2,3]'],
  [
    'maxPool',
    () => b.maxPool(at(1, 1, 4, 3), { size: 2, stride: 2, padding: 0 }),
    'maxPool: windows of 2, 2 apart and padded by 0, must fit into x [B,H,W,C], got [1,1,4,3]',
  ],
  [
    'maxPool padding',
    () => b.maxPool(at(1, 4, 4, 3), { size: 2, stride: 2, padding: 2 }),
    'maxPool: windows of 2, 2 apart and padded by 2, must fit into x [B,H,W,C], got [1,4,4,3]',
  ],
  [
    'maxPool gradient',
    () => b.maxPoolGradient(at(1, 4, 4, 3), at(1, 2, 1, 3), { size: 2, stride: 2, padding: 0 }),
    'maxPoolGradient: dy must be what pooling makes of x, got [1,4,4,3] and [1,2,1,3]',
  ],
  ['embedding', () => b.embedding(at(2), at(3)), 'embedding: the table must be [V,D], got [2]'],
  [
    'broadcast',
    () => b.broadcast(at(2, 3), { shape: [4, 3] }),
    'broadcast: x must stretch to the shape, got [2,3] and [4,3]',
  ],
  [
    'conv2d input gradient',
    () => b.conv2dInputGradient(at(1, 4, 4, 3), at(3, 2, 2, 5), { stride: 2, padding: 0, height: 7, width: 8 }),
    'conv2dInputGradient: dy must be what W [O,kh,kw,C] makes of 7 x 8, got [1,4,4,3] and [3,2,2,5]',
  ],
  [
    'conv2d weight gradient',
    () =>
      b.conv2dWeightGradient(at(1, 8, 8, 3), at(2, 4, 4, 5), {
        stride: 2,
        padding: 0,
        kernelHeight: 2,
        kernelWidth: 2,
      }),
    'conv2dWeightGradient: dy must be what a 2 x 2 kernel makes of x [B,H,W,C], got [1,8,8,3] and [2,4,4,5]',
  ],
  [
    'depthwise weight gradient',
    () => b.depthwiseWeightGradient(at(1, 8, 8, 3), at(1, 8, 7, 3), { kernelHeight: 3, kernelWidth: 3 }),
    'depthwiseWeightGradient: x and dy [B,H,W,C] must be alike, got [1,8,8,3] and [1,8,7,3]',
  ],
  [
    'attention gradient',
    () => b.attentionGradient(at(1, 4, 6), at(1, 5, 6), at(1, 5, 6), null, at(1, 5, 6), { heads: 2 }),
    'attentionGradient: q and dy must be alike, got [1,4,6] and [1,5,6]',
  ],
  [
    'layerNorm gradient',
    () => b.layerNormGradient(at(2, 3), at(3), at(3, 2), { eps: 1 }),
    'layerNormGradient: x and dy must be alike, got [2,3] and [3,2]',
  ],
  [
    'embedding gradient',
    () => b.embeddingGradient(at(2, 3), at(3, 2, 4), { vocabulary: 5 }),
    'embeddingGradient: ids […] and dy […,D] must agree, got [2,3] and [3,2,4]',
  ],
  [
    'resize gradient',
    () => b.resizeGradient(at(2, 3), { height: 4, width: 4 }),
    'resizeGradient: dy must be [B,H,W,C], got [2,3]',
  ],
  ['constant', () => b.constant([1, 2], [3]), 'constant: as many numbers as the shape holds, got 2 for [3]'],
];

test.each(mistakes)('%s: a shape that does not fit is named', (_, build, message) => {
  expect(build).toThrow(new TmcaError('SHAPE_MISMATCH', message));
});

test('one parameter name has one shape', () => {
  const graph = { y: b.add(b.parameter('w', [3]), b.reshape(b.parameter('w', [1, 3]), [3])) };
  expect(() => parametersOf(graph)).toThrow('parametersOf: one name has one shape, got w as [3] and [1,3]');
});

describe('interpreter', () => {
  const graph = { y: b.add(b.input('x', [2]), b.parameter('w', [2])) };
  test('names a leaf that is not fed', () => {
    expect(() => evaluate(graph, { input: () => [1, 2] })).toThrow('evaluate: parameter w must be fed, got nothing');
  });
  test('names a leaf of the wrong size', () => {
    const feed = { input: () => [1], parameter: () => [1, 2] };
    expect(() => evaluate(graph, feed)).toThrow('evaluate: input x has shape [2], got 1 numbers');
  });
  test('evaluates deep graphs without recursion', () => {
    let y: Tensor = b.input('x', [1]);
    for (let i = 0; i < 20_000; i++) y = b.add(y, b.scalar(1));
    expect(evaluate({ y }, { input: () => [0] }).y.data[0]).toBe(20_000);
    expect(topological([y])).toHaveLength(40_001);
  });
  test('erf agrees with tabulated values', () => {
    const table: [number, number][] = [
      [0, 0],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2.5, 0.999593047982555],
      [3.5, 0.9999992569016276],
      [7, 1],
    ];
    for (const [x, value] of table) {
      expect(Math.abs(erf(x) - value)).toBeLessThan(2e-16 + 1e-15);
      expect(erf(-x) + erf(x)).toBe(0);
    }
  });
});

describe('lower', () => {
  test('shares one buffer among views, and one constant among readers of one storage', () => {
    const x = b.input('x', [2, 4]);
    const w = b.parameter('w', [4, 4]);
    const y = b.linear(b.reshape(b.linear(x, w), [2, 4]), w);
    const program = lower({ y }, { weights: 'f16' });
    expect(program.calls).toHaveLength(2);
    expect(program.buffers.map(({ role, storage }) => `${role} ${storage}`)).toEqual([
      'input f32',
      'constant f16',
      'activation f32',
      'activation f32',
    ]);
    expect(program.buffers[1]!.bytes).toBe(32);
  });

  test('two inputs of one name are refused', () => {
    const twice = { y: b.add(b.input('x', [2]), b.input('x', [2])) };
    expect(() => lower(twice, { weights: 'f32' })).toThrow(
      "lower: an input's name must stand for one tensor, got x twice",
    );
  });

  test('an output that is known at load is a constant', () => {
    const program = lower({ loss: b.scalar(0) }, { weights: 'f32' });
    expect(program.calls).toHaveLength(0);
    expect(program.buffers[program.outputs.loss!.buffer]!.role).toBe('constant');
  });

  test('every op has kernels, or stands for ops that have', () => {
    for (const [name, rule] of Object.entries({ ...rules, ...gradientRules }))
      expect(rule.lower ?? rule.expand, name).toBeTypeOf('function');
    const shuffled = b.depthToSpace(b.input('x', [1, 2, 2, 8]), { block: 2, order: 'CRD' });
    const ops = topological(Object.values(legalise({ shuffled }))).map(t => t.op);
    expect(ops).toEqual(['input', 'reshape', 'permute', 'reshape']);
  });

  test('what a composite reads is made once, however many composites without kernels follow', () => {
    const [size, channels] = [4, 8];
    const vector = (name: string) => b.parameter(name, [channels]);
    let x: Tensor = b.input('x', [1, size, size, channels]);
    for (let i = 0; i < 4; i++) {
      const [w, ...rest] = ['weight', 'bias', 'mean', 'variance'].map(name => vector(`${name}${i}`));
      const conv = b.conv2d(x, b.parameter(`conv${i}`, [channels, 3, 3, channels]), null, { stride: 1, padding: 1 });
      x = b.batchNorm(conv, w!, rest[0]!, rest[1]!, rest[2]!, { eps: 1e-5 });
    }
    const ops = topological(Object.values(legalise({ x }))).map(t => t.op);
    expect(ops.filter(op => op === 'conv2d')).toHaveLength(4);
    expect(lower({ x }, { weights: 'f32' }).calls.filter(c => c.shader.name.startsWith('conv2d'))).toHaveLength(4);
  });

  test('sizes in bytes are whole words', () => {
    expect([bytesOf([3], 'f16'), bytesOf([3], 'f32'), bytesOf([], 'i32')]).toEqual([8, 12, 4]);
  });
});

test('precision: what depends on an input becomes f16, indexes and constants stay', () => {
  const ids = b.input('ids', [2], 'i32');
  const y = b.add(b.embedding(b.parameter('table', [5, 4]), ids), b.constant([1, 2, 3, 4], [4]));
  const { y: half } = setPrecision({ y }, 'f16') as { y: OpTensor };
  expect(topological([half]).map(t => `${t.op} ${t.dtype}`)).toEqual([
    'parameter f32',
    'input i32',
    'embedding f16',
    'constant f32',
    'binary f16',
  ]);
  expect(setPrecision({ y }, 'f32').y).toBe(y);
});

test('partition: a tensor that crosses twice is one part of the report', () => {
  const text = b.linear(b.input('text', [1, 4]), b.parameter('w', [4, 4]));
  const image = b.input('image', [1, 4]);
  const { report, frame } = partition({ y: b.mul(b.add(image, text), text) }, 'image');
  expect(Object.keys(report)).toEqual(['report.0']);
  expect(topological(Object.values(frame)).flatMap(t => (t.op === 'input' ? [t.name] : []))).toEqual([
    'image',
    'report.0',
  ]);
});

test('structural keys: equal expressions are one, whatever graph they stand in', () => {
  const keys = new StructuralKeys();
  const make = (values: number[]) => b.add(b.square(b.parameter('w', [2])), b.constant(values, [2]));
  expect(keys.of(make([1, 2]))).toBe(keys.of(make([1, 2])));
  expect(keys.of(make([1, 2]))).not.toBe(keys.of(make([1, 3])));
  expect(keys.of(b.parameter('w', [2]))).not.toBe(keys.of(b.parameter('v', [2])));
});
