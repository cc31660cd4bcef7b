// docs/guide/command-line.md, from the commands themselves: `npx vitest run test/unit/command-guide.test.ts -u` writes it.

import type { CommandUnknownOpts, Option } from 'commander';
import { wrapped } from '../reports/run/markdown.js';

const INTRODUCTION = `<!-- Written by npx vitest run test/unit/command-guide.test.ts -u, from cli/commands. Do not edit. -->

# Command line

**Research use only; not a medical device.**

\`\`\`bash
tmca segment image.jpg --text "one small pink polyp"
tmca evaluate --data kvasir-seg --json
tmca train --data kvasir-seg --out runs/mine --config nano
\`\`\`

In a clone of the repository, write \`node bin/tmca.js\` in place of \`tmca\`. [Installing](install.md) says what the command needs, [data sets](data.md) what \`--data\` may be, [engines](engines.md) what \`--device\` and \`--dtype\` choose, and [training](training.md) explains \`train\`, \`sweep\` and \`ablate\`.

Every command has \`--help\`. With \`--json\`, a command prints one JSON document on the standard output and nothing else there; progress goes to the standard error.

| exit code | meaning |
| --- | --- |
| 0 | The command is done. |
| 1 | The input was bad, or something failed: one line \`error [CODE]: …\` on the standard error. See [errors](errors.md). |
| 2 | The command line was wrong. |
| 130 | You stopped the command. |
`;

/** The guide to a program: a table of its commands, and one of the options of each. */
export function commandGuide(program: CommandUnknownOpts): string {
  const commands = program.commands.flatMap(withAllBelow);
  const overview = commands.map(
    command => `| [\`${nameOf(command)}\`](#${anchorOf(command)}) | ${summaryOf(command)} |`,
  );
  const list = `## All commands\n\n| command | what it does |\n| --- | --- |\n${overview.join('\n')}\n`;
  return wrapped([INTRODUCTION, list, ...commands.map(section)].join('\n'));
}

const withAllBelow = (command: CommandUnknownOpts): CommandUnknownOpts[] => [
  command,
  ...command.commands.flatMap(withAllBelow),
];

const nameOf = (command: CommandUnknownOpts): string =>
  command.parent?.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();

const anchorOf = (command: CommandUnknownOpts): string => nameOf(command).replaceAll(' ', '-');

const summaryOf = (command: CommandUnknownOpts): string => cell(command.summary() || command.description());

/** Text within a cell of a table, or in prose: nothing in it is markup. */
const cell = (text: string): string => text.replace(/\s+/g, ' ').replace(/([\\`*_[\]<>|#~])/g, '\\$1');

function section(command: CommandUnknownOpts): string {
  const given = command.registeredArguments.map(argument => {
    const name = argument.variadic ? `${argument.name()}…` : argument.name();
    return `| \`${name}\` | ${cell(argument.description)} |`;
  });
  const options = command.options.filter(option => !option.hidden).map(optionRow);
  const table = [...given, ...options];
  return [
    `## ${nameOf(command)}\n`,
    `${cell(command.description())}\n`,
    ...(table.length === 0 ? [] : [`| argument or option | meaning |\n| --- | --- |\n${table.join('\n')}\n`]),
  ].join('\n');
}

function optionRow(option: Option): string {
  const { flags, description, mandatory, argChoices, defaultValue, defaultValueDescription } = option;
  const standard = defaultValueDescription ?? (isShown(defaultValue, option) ? String(defaultValue) : undefined);
  const notes = [
    ...(mandatory ? ['**needed**'] : []),
    ...(argChoices ? [`one of ${argChoices.map(choice => `\`${choice}\``).join(', ')}`] : []),
    ...(standard === undefined ? [] : [`default: ${cell(standard)}`]),
  ];
  return `| \`${flags.replaceAll('|', '\\|')}\` | ${cell(description)}${notes.length === 0 ? '' : ` (${notes.join('; ')})`} |`;
}

/** A switch that is off, or on until it is denied, has a default that says nothing. */
const isShown = (value: unknown, option: Option): boolean =>
  value !== undefined && value !== false && !option.negate && value !== '';
