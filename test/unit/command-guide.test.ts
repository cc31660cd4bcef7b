// The guide to the command line tells the commands as they are.

import { expect, test } from 'vitest';
import type { Context } from '../../cli/context.js';
import { createProgram } from '../../cli/program.js';
import { commandGuide } from '../../tools/command-guide.js';

test('docs/guide/command-line.md tells every command and option (-u writes it anew)', async () => {
  const guide = commandGuide(createProgram({} as Context));
  expect(guide.match(/^## /gm)!.length).toBeGreaterThan(20);
  await expect(guide).toMatchFileSnapshot('../../docs/guide/command-line.md');
});
