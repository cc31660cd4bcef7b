// `tmca import`: checkpoints of other projects into a model folder.

import { type ImportResult, importCheckpoints, partOf } from '../../convert/import.js';
import { CONVENTIONS } from '../../convert/names.js';
import { configToJson } from '../../networks/config.js';
import type { Context } from '../context.js';
import { packageVersion } from '../version.js';

export interface ImportCommandOptions {
  readonly out: string;
  readonly config?: string;
  readonly vocab?: string;
  readonly seed: number;
  readonly json?: boolean;
}

export async function importModel(
  files: readonly string[],
  { json, ...options }: ImportCommandOptions,
  { console, io }: Context,
): Promise<void> {
  const task = await console.task('tensors', 1);
  let result: ImportResult;
  try {
    result = await importCheckpoints({
      ...options,
      files,
      package: packageVersion(),
      signal: io.signal,
      onTensor: (done, total) => task.step(done, total),
    });
  } finally {
    task.end();
  }
  for (const warning of result.warnings) await console.warn(warning);
  await (json ? console.json(document(result)) : console.print(summary(result)));
}

/** Keys in the style of config.json. */
const document = ({ config, leftOver, ...rest }: ImportResult) => ({
  ...rest,
  left_over: leftOver,
  config: configToJson(config),
});

const PARTS = { image: 'image encoder', text: 'text encoder', decoder: 'decoder and head' } as const;

/** How many lines of what is left over are shown; `--json` has all. */
const SHOWN = 8;

function summary({ out, parts, initialised, seed, leftOver, vocab, config, bytes }: ImportResult): string[] {
  const lines = parts.map(({ part, file, convention, prefix, tensors }) => {
    const title = convention === 'tmca' ? 'the names of the network' : CONVENTIONS[convention].title;
    return `${PARTS[part]}: ${tensors} tensors from ${file} (${title}${prefix ? `, below "${prefix}"` : ''})`;
  });
  if (initialised.length > 0) {
    const of = Object.entries(PARTS).flatMap(([part, title]) => {
      const count = initialised.filter(name => partOf(name) === part).length;
      return count > 0 ? [`${count} tensors of the ${title}`] : [];
    });
    lines.push(`initialised (seed ${seed}): ${of.join(', ')}`);
  }
  const groups = grouped(leftOver);
  lines.push(...groups.slice(0, SHOWN).map(({ names, reason }) => `left over: ${names} (${reason})`));
  if (groups.length > SHOWN) lines.push(`left over: ${groups.length - SHOWN} more groups; --json lists every tensor`);
  lines.push(
    `network: ConvNeXt ${config.depths.join('-')} of ${config.dims.join('-')} channels, BERT of ${config.textLayers} layers and ` +
      `${config.textDim} channels, ${config.imageSize} x ${config.imageSize} pixels`,
    vocab ? `vocabulary: ${config.vocabSize} tokens from ${vocab}` : 'vocabulary: none',
    `${out}: ${(bytes / 1e6).toFixed(1)} MB`,
  );
  return lines;
}

/** Tensors left over for one reason: one line. */
function grouped(leftOver: ImportResult['leftOver']): { names: string; reason: string }[] {
  const reasons = new Map<string, string[]>();
  for (const { name, reason } of leftOver) reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  return [...reasons].map(([reason, names]) => ({
    reason,
    names: names.length <= 2 ? names.join(', ') : `${names[0]} and ${names.length - 1} more`,
  }));
}
