// The command line: which commands there are, and in which order `--help` lists them.
//
// A command is one file, `commands/NAME.ts`: its texts, its flags with their defaults, and the call of its action. What
// the action does lies in `actions/NAME.ts`, which is imported when the command runs, so that each command pays only for
// what it uses. A command below another (`bench train`) is `commands/bench-train.ts`, added by `commands/bench.ts`.
// A new command is those two files and a line in the list below.
//
// The compiler reads the types of an action's options out of its flags, and refuses an action that asks for others: in
// tsconfig.json, commander has the types of @commander-js/extra-typings. When it runs, it is commander alone.

import { Command } from 'commander';
import { addAblate } from './commands/ablate.js';
import { addBench } from './commands/bench.js';
import { addCard } from './commands/card.js';
import { addDevices } from './commands/devices.js';
import { addEvaluate } from './commands/evaluate.js';
import { addExportCheckpoint } from './commands/export-checkpoint.js';
import { addExportOnnx } from './commands/export-onnx.js';
import { addImport } from './commands/import.js';
import { addInspect } from './commands/inspect.js';
import { addPreprocess } from './commands/preprocess.js';
import { addQuantize } from './commands/quantize.js';
import { addReadReport } from './commands/read-report.js';
import { addReport } from './commands/report.js';
import { addSegment } from './commands/segment.js';
import { addSweep } from './commands/sweep.js';
import { addTokenize } from './commands/tokenize.js';
import { addTrain } from './commands/train.js';
import type { Context } from './context.js';
import { version } from './version.js';

const COMMANDS: readonly ((program: Command, context: Context) => void)[] = [
  addSegment,
  addReadReport,
  addEvaluate,
  addReport,
  addCard,
  addTokenize,
  addPreprocess,
  addTrain,
  addSweep,
  addAblate,
  addQuantize,
  addImport,
  addExportCheckpoint,
  addInspect,
  addExportOnnx,
  addBench,
  addDevices,
];

const ABOUT = 'Segments lesions from an image and a sentence about it. Research use only; not a medical device.';

const EXITS = `
Exit status: 0 done; 1 bad input or a fault, with one line "error [CODE]: …" on stderr; 2 bad usage; 130 stopped.`;

export function createProgram(context: Context): Command {
  const program = new Command('tmca').description(ABOUT).version(version(), '-V, --version', 'print the version');
  program.helpOption('-h, --help', 'print help').helpCommand('help [command]', 'print help for a command');
  program.addHelpText('after', EXITS).showHelpAfterError(false).allowExcessArguments(false).enablePositionalOptions();
  for (const add of COMMANDS) add(program, context);
  return program;
}
