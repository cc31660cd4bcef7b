// The command line: which commands there are, what they take, what `--help` says.

import { Command, Option } from 'commander';
import type { Context } from './context.js';
import {
  categoryOption,
  deviceOption,
  dtypeOption,
  integrityOption,
  jsonOption,
  memorySize,
  minAreaOption,
  modelOption,
  probability,
  promptOption,
  rate,
  thresholdOption,
  tuneOption,
  wholeNumber,
} from './options.js';
import { addBench } from './program-bench.js';
import { version } from './version.js';

const ABOUT = 'Segments lesions from an image and a sentence about it. Research use only; not a medical device.';

const EXITS = `
Exit status: 0 done; 1 bad input or a fault, with one line "error [CODE]: …" on stderr; 2 bad usage; 130 stopped.`;

/** Commands are imported when they run, so that each pays only for what it uses. */
export function createProgram(context: Context): Command {
  const program = new Command('tmca').description(ABOUT).version(version(), '-V, --version', 'print the version');
  program.helpOption('-h, --help', 'print help').helpCommand('help [command]', 'print help for a command');
  program.addHelpText('after', EXITS).showHelpAfterError(false).allowExcessArguments(false).enablePositionalOptions();
  addSegment(program, context);
  addEvaluate(program, context);
  addReport(program, context);
  addCard(program, context);
  addTokenize(program, context);
  addPreprocess(program, context);
  addTrain(program, context);
  addSweep(program, context);
  addAblate(program, context);
  addQuantize(program, context);
  addImport(program, context);
  addExportCheckpoint(program, context);
  addInspect(program, context);
  addExportOnnx(program, context);
  addBench(program, context);
  addDevices(program, context);
  return program;
}

function addSegment(program: Command, context: Context): void {
  program
    .command('segment')
    .summary('mark lesions in images')
    .description(
      'Writes NAME.mask.png (0 and 255, size of the image) and NAME.overlay.png for each image; of a folder, for all images in ' +
        'it. Images of one name get NAME, NAME-2, … If an image cannot be read, the command stops there; what is done before it stays and is listed.',
    )
    .argument('<images...>', 'JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP files, or folders of them')
    .option(
      '--text <sentence>',
      'what is to be seen, such as "one small pink polyp, located in center of the image"; for a model that reads one',
    )
    .addOption(modelOption())
    .option('--out <folder>', 'where the files go', 'tmca-out')
    .option('--probability', 'also write NAME.probability.png: 16 bits of grey, 0 to 65535 for 0 to 1')
    .addOption(thresholdOption())
    .addOption(minAreaOption())
    .addOption(integrityOption())
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(tuneOption())
    .addOption(jsonOption())
    .action(async (images, options) => (await import('./commands/segment.js')).segment(images, options, context));
}

function addEvaluate(program: Command, context: Context): void {
  program
    .command('evaluate')
    .summary('score a model on a data set')
    .description(
      'Dice, IoU and accuracy at the size of the network, over all pixels and per image. Data: a folder with dataset.json, ' +
        'or as medvlsm (Kvasir-SEG, BKAI), LViT (QaTa-COV19, MosMedData+) and LanGuideMedSeg publish it; folders of images ' +
        "and masks or COCO's JSON, with one --text for all. docs/guide/data.md has them all.",
    )
    .requiredOption('--data <folder>', 'data set folder')
    .option('--split <name>', 'records to take', 'test')
    .option(
      '--text <sentence>',
      'in place of every record\'s own text, such as "polyp": what the model makes of the image',
    )
    .addOption(promptOption())
    .addOption(categoryOption())
    .addOption(modelOption())
    .addOption(thresholdOption())
    .addOption(integrityOption())
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(tuneOption())
    .addOption(jsonOption())
    .action(async options => (await import('./commands/evaluate.js')).evaluate(options, context));
}

function addReport(program: Command, context: Context): void {
  program
    .command('report')
    .summary('write the report of a training run')
    .description(
      'Writes report.html into the folder of a run, finished or not: curves, scores on a split, best, median and worst ' +
        'pictures, settings. One file that opens anywhere. Beside it evaluation-SPLIT.json, as of evaluate --json.',
    )
    .argument('<run>', 'folder of the run: the --out of train')
    .option('--data <folder>', 'data set folder; the one that the run was trained on if not given')
    .option('--split <name>', 'records to score; test if not given, or val where there is no test')
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(jsonOption())
    .action(async (run, options) => (await import('./commands/report.js')).report(run, options, context));
}

function addCard(program: Command, context: Context): void {
  program
    .command('card')
    .summary('write the model card of a run')
    .description(
      "Writes README.md into the model's folder: network, scores, recipe, data and terms. Scores are those that tmca report has " +
        'left in the run, or of --scores. A README.md that is no card is not replaced.',
    )
    .argument('<run>', 'folder of the run: the --out of train')
    .option('--model <folder>', 'folder that the card is for, where it is not the run itself (its fp16 form)')
    .option('--scores <file>', 'JSON of evaluate --json on that folder')
    .option('--without-text <run>', 'run of the same recipe with text_override, to say what language is worth')
    .option('--terms <text|file>', 'terms of the data')
    .option('--out <file>', 'where the card goes, if not README.md of the folder')
    .addOption(jsonOption())
    .action(async (run, options) => (await import('./commands/card.js')).card(run, options, context));
}

function addQuantize(program: Command, context: Context): void {
  program
    .command('quantize')
    .summary('store a model as fp16 or int8')
    .description(
      'Writes a model folder of half or a quarter of the size, with quantize-report.json and quantize-report.html: every layer ' +
        'beside f32 on real images and sentences, and Dice before and after where --data is given. Nothing is written where Dice ' +
        'falls too far.',
    )
    .argument('<model>', 'model folder or address, fp32 or fp16')
    .addOption(
      new Option('--to <dtype>', 'int8: weights of matrix products and tables as whole numbers, the rest as halves')
        .choices(['fp16', 'int8'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <folder>', 'model folder to make')
    .option('--data <folder>', 'data set that masks are scored on')
    .option('--split <name>', 'records to take of it', 'test')
    .option('--text <sentence>', "in place of every record's own text")
    .addOption(promptOption())
    .addOption(categoryOption())
    .option(
      '--integer-products',
      'for int8: score masks with activations rounded to int8 as well, and permit that where Dice holds',
    )
    .addOption(
      new Option('--max-dice-drop <x>', 'how far Dice may fall (default: 0.002 for fp16, 0.005 for int8)').argParser(
        probability,
      ),
    )
    .addOption(deviceOption())
    .addOption(jsonOption())
    .action(async (model, options) => (await import('./commands/quantize.js')).quantize(model, options, context));
}

function addTokenize(program: Command, context: Context): void {
  program
    .command('tokenize')
    .summary('turn texts into token ids')
    .description('Reads one JSON string a line from stdin; writes one JSON array of ids a line, with [CLS] and [SEP].')
    .requiredOption('--vocab <file>', 'vocab.txt of a model')
    .addOption(new Option('--max-length <n>', 'most ids, [CLS] and [SEP] included').argParser(wholeNumber(2)))
    .action(async options => (await import('./commands/tokenize.js')).tokenize(options, context));
}

function addPreprocess(program: Command, context: Context): void {
  program
    .command('preprocess')
    .summary('turn an image into the input of a network')
    .description('Resizes to S x S and normalises; writes a safetensors file with the tensor "image", [3, S, S], F32.')
    .argument('<image>', 'JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP file')
    .addOption(new Option('--size <S>', 'side of the output').argParser(wholeNumber(1)).makeOptionMandatory())
    .addOption(
      new Option('--normalize <how>', 'per image (zscore), by ImageNet, or only to 0..1 (none)')
        .choices(['zscore', 'imagenet', 'none'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'safetensors file to write')
    .addOption(jsonOption())
    .action(async (image, options) => (await import('./commands/preprocess.js')).preprocess(image, options, context));
}

function addTrain(program: Command, context: Context): void {
  const count = (flags: string, description: string, least = 1) =>
    new Option(flags, description).argParser(wholeNumber(least));
  program
    .command('train')
    .summary('train a model on a data set')
    .description(
      'Trains on the split "train" and validates on "val" after every epoch. The folder --out becomes a model folder: the best ' +
        'model by validation Dice, with metrics.jsonl (a line a step and one an epoch) and the checkpoints to resume from. ' +
        'Ctrl-C saves and stops.',
    )
    .requiredOption('--data <folder>', 'data set folder')
    .requiredOption('--out <folder>', 'folder of the run: a new one, or one to be resumed')
    .option('--config <file|preset>', 'settings: a JSON file, or one of nano and full (default: those of the paper)')
    .option('--init <folder>', 'model folder to start from; parameters that it does not have begin at random')
    .addOption(count('--epochs <n>', 'most passes over the data'))
    .addOption(count('--batch <n>', 'records a step'))
    .addOption(count('--micro-batch <n>', 'records in memory at a time (default: the most that fit)'))
    .addOption(
      new Option('--memory <size>', 'what a step may take of the device: 16 (GiB), 900MiB').argParser(memorySize),
    )
    .addOption(new Option('--lr <x>', 'highest learning rate').argParser(rate))
    .addOption(count('--steps <n>', 'end after this many steps in all; the schedule stays that of the epochs'))
    .addOption(count('--seed <n>', 'what everything random is drawn by', 0))
    .option('--text <text>', 'one text in place of every sentence: what the same recipe reaches without language')
    .addOption(promptOption())
    .addOption(categoryOption())
    .option('--resume', 'go on from the last checkpoint of --out')
    .option('--skip-bad', 'leave faulty records out instead of refusing the data set')
    .addOption(deviceOption())
    .addOption(jsonOption())
    .action(async options => (await import('./commands/train.js')).train(options, context));
}

function addImport(program: Command, context: Context): void {
  program
    .command('import')
    .summary('make a model folder from ConvNeXt and BERT checkpoints')
    .description(
      'Reads ConvNeXt as Hugging Face, timm, torchvision or its authors name it, BERT as Hugging Face does, and checkpoints of ' +
        'the whole network: safetensors files, indices of shards, folders with either. What no file has is initialised.',
    )
    .argument('<files...>', 'checkpoints: one of an image encoder, one of a text encoder, or either')
    .requiredOption('--out <folder>', 'the model folder to make: new, empty, or a model to replace')
    .option('--config <file>', 'config.json with what tensors do not tell (image_size, heads, …)')
    .option(
      '--vocab <file>',
      "vocab.txt or tokenizer.json of the text encoder; if not given, the one beside the text encoder's file",
    )
    .addOption(new Option('--seed <n>', 'seed of what is initialised').default(0).argParser(wholeNumber(0)))
    .addOption(jsonOption())
    .action(async (files, options) => (await import('./commands/import.js')).importModel(files, options, context));
}

function addExportCheckpoint(program: Command, context: Context): void {
  program
    .command('export-checkpoint')
    .summary("write a model's encoder under another project's names")
    .description('Writes one encoder as a safetensors file (F32) that the named project loads; import reads it back.')
    .argument('<model>', 'model folder or address')
    .addOption(
      new Option('--as <names>', 'bert: the text encoder; the others: the image encoder')
        .choices(['hf', 'timm', 'torchvision', 'original', 'bert'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'safetensors file to write')
    .addOption(jsonOption())
    .action(async (model, options) =>
      (await import('./commands/export-checkpoint.js')).exportModel(model, options, context),
    );
}

/** What studies take of training's options, and how many seeds. */
function withStudyOptions(command: Command, seeds: number): Command {
  const count = (flags: string, description: string, least = 1) =>
    new Option(flags, description).argParser(wholeNumber(least));
  return command
    .requiredOption('--data <folder>', 'data set folder')
    .requiredOption('--out <folder>', 'folder of the study: a new one, or one to go on with')
    .addOption(count('--seeds <n>', 'runs of each row, with seeds 1 to n').default(seeds))
    .option('--config <file|preset>', 'settings that the rows change: a JSON file, or one of nano and full')
    .option('--init <folder>', 'model folder that every run starts from')
    .addOption(count('--epochs <n>', 'most passes over the data'))
    .addOption(count('--batch <n>', 'records a step'))
    .addOption(new Option('--lr <x>', 'highest learning rate').argParser(rate))
    .addOption(count('--steps <n>', 'end each run after this many steps'))
    .option('--text <text>', 'one text in place of every sentence')
    .addOption(promptOption())
    .addOption(categoryOption())
    .option('--skip-bad', 'leave faulty records out instead of refusing the data set')
    .addOption(deviceOption())
    .addOption(jsonOption());
}

function addSweep(program: Command, context: Context): void {
  const command = program
    .command('sweep')
    .summary('compare settings on the validation split')
    .description(
      'Trains every combination of the values, and compares by the validation Dice of the best epoch; the test split is not ' +
        'opened. Keys are those of a configuration file (tau_enhance, contrastive_weight, ltem_apply, augment.flip.probability, …). ' +
        'Given again, it goes on: what is done is not run again. Writes table.html, table.md and table.json.',
    )
    .requiredOption('--grid <key=v1,v2...>', 'values to try, for each key; or one JSON file of them');
  withStudyOptions(command, 1).action(async options => (await import('./commands/sweep.js')).sweep(options, context));
}

function addAblate(program: Command, context: Context): void {
  const command = program
    .command('ablate')
    .summary('what each part of the network is worth')
    .description(
      "Trains the rows of the paper's Table 2 (TSDM, MCAS, LTEM in all combinations) or Table 3 (levels of alignment), and " +
        'scores the model of the best validation epoch on the test split. Given again, it goes on. Writes table.html, table.md and table.json.',
    )
    .addOption(new Option('--table <n>', 'table of the paper').choices(['2', '3']).default('2'))
    .option('--rows <names...>', 'only these rows')
    .option('--split <name>', 'records to score', 'test')
    .option('--paper <file>', 'figures to put beside, JSON of {"baseline": {"dice": 0.8}}');
  withStudyOptions(command, 3).action(async options => (await import('./commands/ablate.js')).ablate(options, context));
}

function addInspect(program: Command, context: Context): void {
  const inspect = program.command('inspect').description('Look inside a network.').helpCommand(false);
  inspect
    .command('forward')
    .summary('intermediate outputs for given inputs')
    .description(
      'Inputs: image [B,3,S,S] (normalised), ids [B,L], mask [B,L]. Outputs go under the names of the reference.',
    )
    .argument('<model>', 'model folder or address')
    .requiredOption('--inputs <file>', 'safetensors file with image, ids and mask')
    .requiredOption('--out <file>', 'safetensors file to write')
    .option('--fill', 'parameters made from their names, in place of model.safetensors', false)
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(jsonOption())
    .action(async (model, options) => (await import('./commands/inspect.js')).inspectForward(model, options, context));
  inspect
    .command('gradients')
    .summary('the training loss and its derivatives for given inputs')
    .description(
      'Inputs as of inspect forward, and target [B,1,S,S] (0 and 1). Every gradient goes under the name of its parameter. ' +
        'Runs in fp32.',
    )
    .argument('<model>', 'model folder or address')
    .requiredOption('--inputs <file>', 'safetensors file with image, ids, mask and target')
    .requiredOption('--out <file>', 'safetensors file to write')
    .option('--freeze-text', 'leave the text encoder out', false)
    .option('--fill', 'parameters made from their names, in place of model.safetensors', false)
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(jsonOption())
    .action(async (model, options) =>
      (await import('./commands/inspect-gradients.js')).inspectGradients(model, options, context),
    );
  inspect
    .command('plan')
    .summary('dispatches, memory and arithmetic, before a device is opened')
    .description(
      'What a frame and a text take: kernels, arithmetic, bytes of weights and of the arenas. With --train: what a training ' +
        'step takes, and how the batch is taken so that it fits. Reads config.json alone.',
    )
    .argument('<model>', 'model folder or address, or the name of a preset (full, nano)')
    .addOption(dtypeOption())
    .option('--passes', 'also with each rewrite of the graph left out')
    .option('--train', 'of a training step, in fp32')
    .addOption(forTraining('--config <file>', 'training configuration, or the name of a preset'))
    .addOption(forTraining('--batch <n>', 'records a step').argParser(wholeNumber(1)))
    .addOption(forTraining('--micro-batch <n>', 'records in memory at a time').argParser(wholeNumber(1)))
    .addOption(
      forTraining('--text-length <n>', 'tokens of a padded text; the most if not given').argParser(wholeNumber(2)),
    )
    .addOption(forTraining('--train-text', 'the text encoder is not frozen'))
    .addOption(forTraining('--memory <size>', 'what it must fit: 16 (GiB), 900MiB').argParser(memorySize))
    .addOption(jsonOption())
    .action(async (model, { train, ...options }) =>
      train
        ? (await import('./commands/inspect-memory.js')).inspectMemory(model, options, context)
        : (await import('./commands/inspect-plan.js')).inspectPlan(model, options, context),
    );
}

const forTraining = (flags: string, description: string) => new Option(flags, description).implies({ train: true });

function addExportOnnx(program: Command, context: Context): void {
  program
    .command('export-onnx')
    .summary('write a model as ONNX')
    .description(
      'Writes text.onnx (a sentence, once) and image.onnx (an image and what text.onnx made of the sentence to logits), opset ' +
        '20, for any batch and text length. Images go in normalised, [batch,3,S,S]; see tmca preprocess and tmca tokenize.',
    )
    .argument('<model>', 'model folder or address')
    .requiredOption('--out <folder>', 'where the files go')
    .option('--fill', 'parameters made from their names, in place of model.safetensors', false)
    .addOption(dtypeOption())
    .addOption(jsonOption())
    .action(async (model, options) =>
      (await import('./commands/export-onnx.js')).exportOnnx(model, { ...options, version: version() }, context),
    );
}

function addDevices(program: Command, context: Context): void {
  program
    .command('devices')
    .summary('what this machine can run on')
    .description(
      'Lists adapters with features and limits, how kernels are cut for the first, and says which one "--device auto" takes, and why.',
    )
    .option('--measure', "measure the first adapter's arithmetic and memory rates too (two seconds)")
    .option(
      '--tune',
      'fit the kernels of a model to the first adapter, anew, and keep what was found (a minute at most)',
    )
    .addOption(modelOption())
    .addOption(jsonOption())
    .action(async options => (await import('./commands/devices.js')).devices(options, context));
}
