// The engines: named in one place, a row each in the table.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { DEVICES, ENGINES, runsOnGpu, takesGpu } from '../../runtime/engines/names.js';
import { chooseEngine, engines, prepareWithoutGpu } from '../../runtime/engines/table.js';
import { layers } from '../../tools/check-imports.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

const sources = Object.keys(layers)
  .filter(room => !['build', 'models', 'test', 'tools'].includes(room))
  .flatMap(room =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map(file =>
      join(room, file).replaceAll('\\', '/'),
    ),
  )
  .filter(file => file.endsWith('.ts') && !file.includes('node_modules'));

test('the list of engines is written down once', () => {
  expect(sources.length).toBeGreaterThan(300);
  const list = ENGINES.map(name => `'${name}'`).join('\\s*[|,]\\s*');
  const spelled = [...new Set(sources)].filter(file => new RegExp(list).test(readFileSync(join(root, file), 'utf8')));
  // A peer's providers are onnxruntime's own names.
  expect(spelled).toEqual(['runtime/engines/names.ts', 'devices/peers/ort.ts']);
});

test('no code asks which engine it is by name, but those of the engines: a property of its row decides', () => {
  const compares = new RegExp(`[!=]==\\s*'(${ENGINES.join('|')})'|engines\\.(${ENGINES.join('|')})\\b`);
  const asking = [...new Set(sources)].filter(file => compares.test(readFileSync(join(root, file), 'utf8')));
  // The page says what a device is called.
  const may = /^(runtime\/engines|demo)\//;
  expect(asking.filter(file => !may.test(file))).toEqual([]);
  expect(asking.some(file => may.test(file))).toBe(true);
});

describe('an engine is one row', () => {
  const hardware = { vendor: 'v', architecture: 'a', description: 'Card', software: false };
  const found = [null, 'the driver is gone', hardware, { ...hardware, software: true }];

  test('in the order in which `auto` asks', () => expect(Object.keys(engines)).toEqual([...ENGINES]));

  test.each(found)('the last takes whatever is there: %j', there => {
    expect(engines[ENGINES.at(-1)!].suits(there)).toBe(true);
    expect(ENGINES).toContain(chooseEngine('auto', there).device);
  });

  test.each(ENGINES)('%s by name is taken whatever is there, and the reason says so', name => {
    for (const there of found)
      expect(chooseEngine(name, there)).toEqual({
        device: name,
        reason: expect.stringContaining(`${name} was asked for`),
      });
  });

  test('after a GPU that was lost too often, one takes over that cannot be lost, and says so', async () => {
    const refuse = () => Promise.reject(new Error('must not be asked'));
    const ort = async () => ({ env: {} }) as never;
    const prepared = await prepareWithoutGpu({ io: {} as never, gpu: refuse, ort }, {});
    const { device, gpu, reason } = await prepared();
    expect([runsOnGpu(device), gpu]).toEqual([false, null]);
    expect(reason).toBe(`the GPU was lost again and again, and ${device} took over`);
  });

  test('what a GPU alone does takes `auto` and engines that run on one', () => {
    expect(DEVICES.filter(takesGpu)).toEqual(['auto', ...ENGINES.filter(runsOnGpu)]);
    expect(ENGINES.filter(runsOnGpu)).toEqual(['webgpu']);
  });

  test('`auto` and every engine may be asked for', () => expect(DEVICES).toEqual(['auto', ...ENGINES]));
});
