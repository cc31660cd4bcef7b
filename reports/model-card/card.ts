// README.md of a model that a run has made: what it is, where it comes from, what it scores, what it is not for.

import { sizeOf } from '../../graph/graph.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { trainingOf } from '../../networks/training-registry.js';
import type { Scores } from '../../node/datasets/evaluate.js';
import type { Evaluation } from '../../node/datasets/evaluate-dataset.js';
import type { SentenceEvaluation } from '../../node/datasets/evaluate-sentences.js';
import { parseTrainConfig, trainConfigToJson } from '../../train/config.js';
import { quoted } from '../../train/run/run-json.js';
import type { MetricsLine, RunInfo } from '../../train/run-files/index.js';
import { block, inline, wrapped } from '../run/markdown.js';
import { bestEpoch } from '../run/page.js';
import { WAY_NAMES } from '../run/ways.js';

/** By which a card is known to be one, and may be replaced. */
export const CARD_MARK = '<!-- Written by tmca card. -->';

export interface CardContent {
  /** The folder that the card is for, as it was named, and its configuration. */
  readonly model: string;
  readonly config: Config;
  readonly info: RunInfo;
  readonly lines: readonly MetricsLine[];
  readonly evaluation: Evaluation;
  /** The scores by what the model is told; null where they were not made. */
  readonly sentences: SentenceEvaluation | null;
  /** The same recipe with one text for all records. */
  readonly withoutText: { readonly info: RunInfo; readonly evaluation: Evaluation } | null;
  /** The terms of the data, as the author states them; null: not stated. */
  readonly terms: string | null;
}

/** What a network that reads sentences knows of the world, and what one that reads none does. */
const SEEN =
  'It has seen images of one data set, with sentences in the style of that data set, and nothing else. A wrong sentence gives a wrong mask.';
const SEEN_IMAGES = 'It has seen images of one data set, and nothing else.';

export function modelCard(content: CardContent): string {
  const { config, info } = content;
  return wrapped(`${CARD_MARK}
# ${inline(config.name)}

A ${inline(Network.of(config).title)} network of ${(parameterCount(config) / 1e6).toFixed(2)} M parameters at ${config.imageSize} x ${config.imageSize} pixels, trained on ${inline(info.data.name)}.

**Research use only; not a medical device.** Do not use it in diagnosis, treatment or any decision about a patient.

${networkTable(content)}

${sentenceSection(content)}## Scores

${scoresSection(content)}

## Training

${trainingSection(content)}

## Data and terms

${dataSection(content)}

## Known limits

- ${Network.of(config).text ? SEEN : SEEN_IMAGES}
- No evaluation across hospitals, devices or patients is part of this card.
- Scores are of masks at the size of the network, ${config.imageSize} x ${config.imageSize}, against masks brought to that size by nearest neighbour.
`);
}

/** Learned ones: BatchNorm's statistics are not. */
function parameterCount(config: Config): number {
  const learned = [...Network.of(config).parameters].filter(([name]) => !/\.running_(mean|var)$/.test(name));
  return learned.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`, ...rows.map(line)].join('\n');
}

function networkTable({ config }: CardContent): string {
  const { imageSize, normalize, dtype } = config;
  const network = Network.of(config);
  const input = `RGB resized to ${imageSize} x ${imageSize} (bilinear, antialiased), ${normalize}`;
  return [
    '| | |',
    '|---|---|',
    ...trainingOf(network).rows.map(([what, how]) => `| ${inline(what)} | ${inline(how)} |`),
    `| input | ${inline(input)}${network.text ? `; ${network.text.optional ? 'an English sentence, or none' : 'one English sentence'}` : ''} |`,
    '| output | one logit a pixel |',
    `| weights | ${inline(dtype)} |`,
  ].join('\n');
}

/** First of all: what a sentence is worth, and what comes of none. */
function sentenceSection({ sentences }: CardContent): string {
  if (!sentences) return '';
  const { rows, data, split, device, dtype } = sentences;
  const head = ['what the model is told', 'images', 'Dice, all pixels', 'Dice, mean of images', 'such as'];
  const cells = rows.map(({ name, n, dice, mean_dice, example }) => {
    const told = example === null ? 'nothing' : `“${inline(example)}”`;
    return [WAY_NAMES[name], String(n), dice.toFixed(4), mean_dice.toFixed(4), told];
  });
  return `## By what it is told

${inline(data)}, split “${inline(split)}”; ${device}, ${dtype}. The wordings of the paraphrase and of the clinical sentence are not among those of training.

${table(head, cells)}

`;
}

function scoresSection({ evaluation, withoutText }: CardContent): string {
  const { data, split, n, threshold, device, dtype, adapter, per_image, without } = evaluation;
  const cells = (s: Scores) => [s.dice, s.iou, s.mean_dice, s.mean_iou, s.accuracy].map(value => value.toFixed(4));
  const head = ['', 'Dice, all pixels', 'IoU, all pixels', 'Dice, mean of images', 'IoU, mean of images', 'accuracy'];
  const ofText = (e: Evaluation, name: string) => [
    [`${name}all ${e.n} images`, ...cells(e)],
    ...Object.entries(e.without).map(([mark, s]) => [`${name}${s.n} images without ${inline(mark)}`, ...cells(s)]),
  ];
  const rows = ofText(evaluation, '');
  if (withoutText)
    rows.push(...ofText(withoutText.evaluation, `every text “${inline(withoutText.evaluation.text ?? '')}”: `));
  const dice = per_image.map(image => image.dice);
  const count = (holds: (value: number) => boolean) => dice.filter(holds).length;
  const spread =
    `Single images range from a Dice of ${Math.min(...dice).toFixed(2)} to ${Math.max(...dice).toFixed(2)}: ` +
    `${count(d => d < 0.5)} of the ${n} are under 0.5, ${count(d => d >= 0.8)} at or over 0.8.`;
  const gain = withoutText && evaluation.dice - withoutText.evaluation.dice;
  const marks =
    Object.keys(without).length > 0 ? ' Records that the data set marks are left out in the rows that say so.' : '';
  return [
    `${inline(data)}, split “${inline(split)}”, probability ${threshold}; ${device}, ${dtype}, on ${inline(adapter.description || adapter.vendor)}.${marks}`,
    table(head, rows),
    spread,
    ...(gain === null
      ? []
      : [
          `Language is worth ${gain >= 0 ? '+' : ''}${gain.toFixed(4)} Dice over all pixels: the second model was trained and tested by the same recipe with every sentence replaced.`,
        ]),
  ].join('\n\n');
}

function trainingSection({ info, lines, withoutText, evaluation, model }: CardContent): string {
  const best = bestEpoch(lines);
  const last = lines.at(-1);
  const facts = [
    info.ended ? inline(info.ended.why) : `${last?.step ?? 0} steps, not finished`,
    ...(best
      ? [`the model is that of epoch ${best.epoch + 1}, chosen by its validation Dice of ${best.value.toFixed(4)}`]
      : []),
    `seed ${info.seed}, ${inline(info.device.dtype)}, on ${inline(info.device.adapter)}${info.device.software ? ' (software)' : ''}`,
    inline(info.package),
  ];
  const { dtype, device, split } = evaluation;
  const scored = `tmca evaluate --data ${quoted(info.data.folder)} --split ${quoted(split)} --model ${quoted(model)} --device ${device} --dtype ${dtype}`;
  const trained = [info, ...(withoutText ? [withoutText.info] : [])].map(({ command }) => command);
  const standard = trainConfigToJson(parseTrainConfig({}, 'the defaults'));
  const changed = differing(info.config, standard);
  return [
    facts.map(fact => `- ${fact}`).join('\n'),
    withoutText
      ? 'The commands that trained this model and the one without language, and that scored this one:'
      : 'The commands that trained it and that scored it:',
    block([...trained, scored].join('\n'), 'bash'),
    'Settings that are not the defaults:',
    block(JSON.stringify(changed, null, 2), 'json'),
  ].join('\n\n');
}

function differing(settings: Readonly<Record<string, unknown>>, standard: Readonly<Record<string, unknown>>) {
  const entries = Object.entries(settings).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(standard[key]),
  );
  return Object.fromEntries(entries);
}

function dataSection({ info, terms, evaluation }: CardContent): string {
  const seen = Object.hasOwn(info.data.records, evaluation.split);
  const own = seen ? ', records that training has seen' : ', records that training has not seen';
  const records = Object.entries(info.data.records).map(([split, n]) => `${n} for ${inline(split)}`);
  const stated =
    terms === null
      ? 'The terms of the data are not stated here. State them before you pass these weights on.'
      : terms.trim();
  return `${inline(info.data.name)}: ${records.join(', ')}; the scores are of “${inline(evaluation.split)}”${own}.\n\n${stated}`;
}
