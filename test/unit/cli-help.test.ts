// What `--help` says of every command, and what it loads to say it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandUnknownOpts } from 'commander';
import { expect, test } from 'vitest';
import type { Context } from '../../cli/context.js';
import { createProgram } from '../../cli/program.js';
import { PRESETS } from '../../networks/presets.js';
import { importsOf, staticImports } from '../../tools/check-imports.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The command and those below it, in the order of its help. */
const all = (command: CommandUnknownOpts): CommandUnknownOpts[] => [command, ...command.commands.flatMap(all)];

const nameOf = (command: CommandUnknownOpts): string =>
  command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();

function helpOf(command: CommandUnknownOpts): string {
  let text = '';
  const writeOut = (piece: string) => {
    text += piece;
  };
  // As where the output is no terminal.
  command.configureOutput({ writeOut, getOutHelpWidth: () => 80, getOutHasColors: () => false });
  command.outputHelp();
  return text;
}

/** Building the program reads nothing of it. */
const program = (): CommandUnknownOpts => createProgram({} as Context);

test('the help of every command is the text that was agreed on', async () => {
  const sections = all(program()).map(command => `===== ${nameOf(command)} --help\n${helpOf(command)}`);
  expect(sections.length).toBeGreaterThan(20);
  await expect(sections.join('\n')).toMatchFileSnapshot('cli-help.snapshot.txt');
});

test('every command with --config lists the presets that there are', () => {
  const taking = all(program()).flatMap(command => command.options.filter(({ long }) => long === '--config'));
  const presets = taking.filter(({ flags }) => flags.includes('preset'));
  expect(presets.length).toBeGreaterThan(2);
  for (const { description } of presets)
    for (const preset of Object.keys(PRESETS)) expect(description).toMatch(new RegExp(`[ ,]${preset}\\b`));
});

test('what is loaded before a command is chosen is flags and their texts: no engine, no codec, no action', () => {
  const loaded = [...staticImports(root, 'cli/main.ts')];
  const strangers = loaded.filter(file => !/^(cli\/(commands\/)?[\w-]+\.ts|errors\/[\w-]+\.ts)$/.test(file));
  // How this package's version is read, and what the engines and the presets of training are called.
  expect(strangers.sort()).toEqual([
    'formats/json.ts',
    'networks/presets.ts',
    'networks/tmca/presets.ts',
    'networks/unet/presets.ts',
    'node/disk/read-file.ts',
    'runtime/engines/names.ts',
  ]);
  const packages = loaded
    .flatMap(file => importsOf(readFileSync(join(root, file), 'utf8')))
    .filter(({ specifier, type, dynamic }) => !type && !dynamic && !/^(\.|node:)/.test(specifier));
  expect([...new Set(packages.map(({ specifier }) => specifier))]).toEqual(['commander']);
});
