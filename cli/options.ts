// Options that several commands share, and the parsers of their values. A bad value is bad usage: exit code 2.

import { type Command, InvalidArgumentError, Option, type OptionValues } from 'commander';
import { PRESETS } from '../networks/presets.js';
import { DEVICES } from '../runtime/engines/names.js';
import type { DeviceChoice, DTypeChoice, IntegrityChoice } from '../runtime/types.js';
import { shippedModel } from './engine.js';

export interface NetworkOptions {
  readonly device: DeviceChoice;
  readonly dtype: DTypeChoice;
  /** False with `--no-tune`. */
  readonly tune?: boolean;
  readonly integrity?: IntegrityChoice;
}

export const deviceOption = () =>
  new Option('--device <name>', 'where the network runs; webgpu takes a software adapter too')
    .choices(DEVICES)
    .default('auto');

export const dtypeOption = () =>
  new Option('--dtype <name>', 'precision of weights and activations')
    .choices(['auto', 'fp32', 'fp16', 'int8'])
    .default('auto');

export const tuneOption = () =>
  new Option('--no-tune', "do not fit kernels to the adapter by measuring: the profile of the adapter's kind decides");

export const modelOption = () =>
  new Option('--model <folder>', 'model folder or address').default(shippedModel, 'the model of this package');

export const integrityOption = () =>
  new Option(
    '--integrity <choice>',
    'required: refuse a model whose files cannot all be checked, for want of a manifest.json',
  )
    .choices(['auto', 'required'])
    .default('auto');

export const minAreaOption = () =>
  new Option('--min-area <share>', 'share of the image below which something is too small to be a lesion')
    .default(0.0005, '0.0005, a twentieth of a percent')
    .argParser(probability);

export const jsonOption = () => new Option('--json', 'print one JSON document, and nothing else, on stdout');

export const promptOption = () =>
  new Option(
    '--prompt <name>',
    "which of the sentences that records have by name, as medvlsm's p0 to p9 (default: p6)",
  );

export const categoryOption = () =>
  new Option('--category <name>', "of COCO's categories, the one whose annotations are the masks (default: all)");

export const thresholdOption = () =>
  new Option('--threshold <p>', 'probability from which a pixel belongs to a lesion')
    .default(0.5)
    .argParser(probability);

/** A whole number of at least `least`. */
export const countOption = <const Flags extends string>(flags: Flags, description: string, least = 1) =>
  new Option(flags, description).argParser(wholeNumber(least));

export const outOption = () => new Option('--out <file>', 'JSON file to write');

/** Settings of training. */
export const configOption = (what: string, more = '') =>
  new Option('--config <file|preset>', `${what}: a JSON file, or one of ${Object.keys(PRESETS).join(', ')}${more}`);

export const secondsOption = (what: string) => new Option('--seconds <n>', what).default(60).argParser(wholeNumber(0));

export const fillOption = () =>
  new Option('--fill <folder>', 'a folder with config.json: parameters made from their names, in place of --model');

/** What studies take of training's options, and how many seeds. */
export function withStudyOptions<Args extends unknown[], Given extends OptionValues>(
  command: Command<Args, Given>,
  seeds: number,
) {
  return command
    .requiredOption('--data <folder>', 'data set folder')
    .requiredOption('--out <folder>', 'folder of the study: a new one, or one to go on with')
    .addOption(countOption('--seeds <n>', 'runs of each row, with seeds 1 to n').default(seeds))
    .addOption(configOption('settings that the rows change'))
    .option('--init <folder>', 'model folder that every run starts from')
    .addOption(countOption('--epochs <n>', 'most passes over the data'))
    .addOption(countOption('--batch <n>', 'records a step'))
    .addOption(new Option('--lr <x>', 'highest learning rate').argParser(rate))
    .addOption(countOption('--steps <n>', 'end each run after this many steps'))
    .option('--text <text>', 'one text in place of every sentence')
    .addOption(promptOption())
    .addOption(categoryOption())
    .option('--skip-bad', 'leave faulty records out instead of refusing the data set')
    .addOption(deviceOption())
    .addOption(jsonOption());
}

export function probability(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
}

/** For `argParser`: a learning rate. */
export function rate(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number of at least 0.');
}

/** For `argParser`: a whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  };
}

/** For `argParser`: bytes, from "16" (GiB), "16GiB", "900MiB" or "16GB". */
export function memorySize(text: string): number {
  const units: Readonly<Record<string, number>> = { '': 2 ** 30, gib: 2 ** 30, mib: 2 ** 20, gb: 1e9, mb: 1e6 };
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(gib|mib|gb|mb|)$/i.exec(text.trim()) ?? [];
  const bytes = number === undefined ? 0 : Math.floor(Number(number) * units[unit!.toLowerCase()]!);
  if (bytes > 0) return bytes;
  throw new InvalidArgumentError('It must be a size such as 16 (GiB), 900MiB or 16GB.');
}
