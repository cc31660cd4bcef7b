// `tmca quantize`: what reaches the engine, what a person reads, and what the page says.

import { describe, expect, test } from 'vitest';
import { renderReport } from '../../quantize/report-page.js';
import { call, fakeEngine, quantizeReport } from './cli-fakes.js';

describe('tmca quantize', () => {
  test('hands on what was asked for, with the defaults of an evaluation', async () => {
    const engine = fakeEngine();
    const done = await call(['quantize', 'm', '--to', 'int8', '--out', 'o'], { engine });
    expect(done.code).toBe(0);
    expect(engine.calls).toEqual(['quantize m int8 o undefined test undefined auto']);
    await call(
      ['quantize', 'm', '--to', 'fp16', '--out', 'o', '--data', 'd', '--split', 'val', '--max-dice-drop', '0.01'],
      { engine },
    );
    expect(engine.calls[1]).toBe('quantize m fp16 o d val 0.01 auto');
  });

  test('says sizes, layers, masks and findings', async () => {
    const { stdout } = await call(['quantize', 'm', '--to', 'int8', '--out', 'o', '--data', 'd'], {
      engine: fakeEngine(),
    });
    expect(stdout).toMatchInlineSnapshot(`
      "o: red in int8, 5.5 MB of 20.0 MB (27.5 %)
        stored   2 tensors int8 (5.0 MB), 3 tensors fp16 (0.4 MB)
        layers   2 beside f32 on 2 images of the samples of this package; least cosine 0.999100 (second)
        logits   cosine 0.999998, largest error 0.123, masks agree on 99.97 % of pixels
        dice     0.7715 in fp32, 0.7713 in int8 on 2 images of d (may fall by 0.005)
        variance of a <norm>: 7.000e+4; statistics are f32
        webgpu, activations fp16: Fake adapter
      "
    `);
  });

  test('says what whole-number products cost, and whether they are permitted', async () => {
    const integer = (permitted: boolean) => {
      const quantized = { dice: 0.77, mean_dice: 0.7, iou: 0.6 };
      const report = {
        ...quantizeReport('int8', 'd'),
        integer_products: { quantized, dice_drop: 0.0015, pixel_agreement: 0.99, permitted },
      };
      return { ...fakeEngine(), quantize: async () => report };
    };
    const command = ['quantize', 'm', '--to', 'int8', '--out', 'o', '--data', 'd', '--integer-products'];
    const said = async (permitted: boolean) => (await call(command, { engine: integer(permitted) })).stdout;
    expect(await said(true)).toContain(
      '\n  integer  dice 0.7700 with activations in int8 too: permitted, where a device is faster so\n',
    );
    expect(await said(false)).toContain('in int8 too: not permitted\n');
  });

  test('says what was not measured', async () => {
    const { stdout } = await call(['quantize', 'm', '--to', 'int8', '--out', 'o'], { engine: fakeEngine() });
    expect(stdout).toContain('dice     not measured: --data tells the masks');
  });

  test('prints the report as JSON, and nothing else on stdout', async () => {
    const { stdout } = await call(['quantize', 'm', '--to', 'fp16', '--out', 'o', '--json'], { engine: fakeEngine() });
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(quantizeReport('fp16'))));
  });

  test.each([
    ['no precision', ['quantize', 'm', '--out', 'o']],
    ['an unknown one', ['quantize', 'm', '--to', 'int4', '--out', 'o']],
    ['no folder', ['quantize', 'm', '--to', 'int8']],
    ['a budget that is no share', ['quantize', 'm', '--to', 'int8', '--out', 'o', '--max-dice-drop', '2']],
  ])('bad usage: %s', async (_, argv) => {
    const engine = fakeEngine();
    expect((await call(argv, { engine })).code).toBe(2);
    expect(engine.calls).toEqual([]);
  });
});

describe('quantize-report.html', () => {
  const text = (markup: string) =>
    markup
      .replace(/<style>.*?<\/style>/s, '')
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ');

  test('has a row for whole-number products where they were scored', () => {
    const quantized = { dice: 0.77, mean_dice: 0.7, iou: 0.6 };
    const integer_products = { quantized, dice_drop: 0.0015, pixel_agreement: 0.99, permitted: true };
    const page = text(renderReport({ ...quantizeReport('int8', 'Rows'), integer_products }));
    expect(page).toMatch(/int8, activations too\s+0\.7700\s+0\.6000\s+0\.7000/);
    expect(text(renderReport(quantizeReport('int8', 'Rows')))).not.toContain('activations too');
  });

  test('names every layer and finding, as text', () => {
    const page = renderReport(quantizeReport('int8', 'Rows'));
    expect(page).toContain('a &lt;norm&gt;');
    expect(page).not.toContain('a <norm>');
    for (const part of ['first', 'second', '0.999998', '27.5 %', '0.7713', '0.7715 in fp32', 'No mask became empty'])
      expect(text(page)).toContain(part);
    expect(text(page)).toContain('Dice fell by 0.0002; 0.005 was allowed');
  });

  test('says where nothing had to be kept, and where no masks were scored', () => {
    const page = text(renderReport({ ...quantizeReport('int8'), findings: [] }));
    expect(page).toContain('Nothing had to be.');
    expect(page).toContain('masks were not scored: no data was given');
  });

  test('a layer that is not finite is told as such', () => {
    const report = quantizeReport('int8');
    const broken = { ...report.layers[0]!, cosine: null };
    expect(text(renderReport({ ...report, layers: [broken] }))).toContain('not finite');
  });
});
