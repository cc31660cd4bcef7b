// Arguments, help and exit codes, before any command does anything.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { call } from './cli-fakes.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const oneLine = (code: string, text: RegExp) => new RegExp(`^error \\[${code}\\]: ${text.source}\\n$`);

describe('bad usage ends in 2, with one line', () => {
  const cases: [string, string[], RegExp][] = [
    ['nothing at all', [], /a command is missing; see tmca --help/],
    ['an unknown command', ['segmnt', 'a.png'], /unknown command 'segmnt'.*segment.*/],
    ['an unknown option', ['devices', '--jason'], /unknown option '--jason'.*--json.*/],
    [
      'an unknown option after values',
      ['segment', 'a.png', '--text', 'x', '--colour', 'red'],
      /unknown option '--colour'.*/,
    ],
    ['no image', ['segment', '--text', 'x'], /missing required argument 'images'.*/],
    ['an option without its value', ['segment', 'a.png', '--text'], /option '--text <sentence>' argument missing.*/],
    [
      'an unknown device',
      ['segment', 'a.png', '--text', 'x', '--device', 'gpu'],
      /.*'gpu' is invalid\. Allowed choices are auto, webgpu, wasm.*/,
    ],
    [
      'an unknown precision',
      ['evaluate', '--data', 'd', '--dtype', 'fp64'],
      /.*'fp64' is invalid\. Allowed choices are auto, fp32, fp16, int8.*/,
    ],
    [
      'a threshold over 1',
      ['segment', 'a.png', '--text', 'x', '--threshold', '1.5'],
      /.*'1\.5' is invalid\. It must be a number from 0 to 1.*/,
    ],
    [
      'a threshold that is no number',
      ['segment', 'a.png', '--text', 'x', '--threshold', 'NaN'],
      /.*It must be a number from 0 to 1.*/,
    ],
    [
      'an empty threshold',
      ['segment', 'a.png', '--text', 'x', '--threshold', ''],
      /.*It must be a number from 0 to 1.*/,
    ],
    ['no vocabulary', ['tokenize'], /required option '--vocab <file>' not specified.*/],
    [
      'a length below 2',
      ['tokenize', '--vocab', 'v', '--max-length', '1'],
      /.*It must be a whole number of at least 2.*/,
    ],
    [
      'no size',
      ['preprocess', 'a.png', '--normalize', 'none', '--out', 'o'],
      /required option '--size <S>' not specified.*/,
    ],
    [
      'a fractional size',
      ['preprocess', 'a.png', '--size', '2.5', '--normalize', 'none', '--out', 'o'],
      /.*It must be a whole number of at least 1.*/,
    ],
    [
      'a size of 0',
      ['preprocess', 'a.png', '--size', '0', '--normalize', 'none', '--out', 'o'],
      /.*It must be a whole number of at least 1.*/,
    ],
    [
      'an unknown normalisation',
      ['preprocess', 'a.png', '--size', '2', '--normalize', 'minmax', '--out', 'o'],
      /.*Allowed choices are zscore, imagenet, none.*/,
    ],
    [
      'two images where one goes',
      ['preprocess', 'a.png', 'b.png', '--size', '2', '--normalize', 'none', '--out', 'o'],
      /too many arguments.*/,
    ],
    ['no data', ['evaluate'], /required option '--data <folder>' not specified.*/],
    ['inspect alone', ['inspect'], /a command is missing; see tmca --help/],
    ['inspect of something else', ['inspect', 'sideways', 'm'], /unknown command 'sideways'.*/],
    [
      'inspect without inputs',
      ['inspect', 'forward', 'm', '--out', 'o'],
      /required option '--inputs <file>' not specified.*/,
    ],
    ['a word too many', ['devices', 'now'], /too many arguments for 'devices'.*/],
  ];
  test.each(cases)('%s', async (_, argv, text) => {
    const { code, stdout, stderr } = await call(argv);
    expect(stderr).toMatch(oneLine('BAD_USAGE', text));
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('what is asked for goes to stdout and ends in 0', () => {
  test.each([[['--help']], [['-h']], [['help']]])('%j lists the commands', async argv => {
    const { code, stdout, stderr } = await call(argv);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const name of ['segment', 'evaluate', 'tokenize', 'preprocess', 'inspect', 'devices'])
      expect(stdout).toContain(name);
    const flat = stdout.replace(/\s+/g, ' ');
    expect(flat).toMatch(/Research use only; not a medical device/);
    expect(flat).toMatch(/Exit status: 0 done; 1 bad input/);
  });
  test.each([[['segment', '--help']], [['help', 'segment']]])('%j explains a command', async argv => {
    const { code, stdout } = await call(argv);
    expect(code).toBe(0);
    for (const option of ['--text', '--model', '--out', '--threshold', '--device', '--dtype', '--json'])
      expect(stdout).toContain(option);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/default: the model of this package/);
  });
  test.each([[['--version']], [['-V']]])('%j', async argv => {
    expect(await call(argv)).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});
