// How kernels are cut for an adapter, in words.

import type { AdapterTuning } from '../../node/index.js';

/** A line for each class of shapes: its variant, who said so, and the times where they were measured now. */
function variantLines({ variants, timed }: AdapterTuning): string[] {
  const rows = Object.entries(variants);
  const width = (texts: readonly string[]) => Math.max(0, ...texts.map(text => text.length));
  const [shapes, names] = [width(rows.map(([shape]) => shape)), width(rows.map(([, { variant }]) => variant))];
  return rows.map(([shape, { variant, source }]) => {
    const times = Object.entries(timed[shape] ?? {}).sort(([, a], [, b]) => a - b);
    const said = times.map(([name, ms]) => `${name} ${ms.toPrecision(3)} ms`).join(', ');
    return `    ${shape.padEnd(shapes)}  ${variant.padEnd(names)}  ${source}${said ? `: ${said}` : ''}`;
  });
}

/** The knobs of a profile, a line a family. */
function knobLines({ profile }: AdapterTuning): string[] {
  return Object.entries(profile.knobs).map(([family, knobs]) => {
    const values = Object.entries(knobs as Record<string, { value: unknown }>).map(([k, { value }]) => `${k} ${value}`);
    return `    ${family.padEnd(10)} ${values.join(', ')}`;
  });
}

export function tuningLines(tuning: AdapterTuning): string[] {
  const { profile, lanes, variants, rejected, kept, notes } = tuning;
  const measured = profile.measured ? 'measured' : 'by reasoning, not measured';
  const count = Object.keys(variants).length;
  const found = count === 0 ? 'nothing measured yet' : `${count} classes of shapes`;
  return [
    `  profile ${profile.name}: ${profile.about} (${measured})`,
    ...(lanes > 0 ? [`    ${'lanes'.padEnd(10)} ${lanes}`] : []),
    ...knobLines(tuning),
    `  tuned: ${found}; kept in ${kept}`,
    ...variantLines(tuning),
    ...rejected.map(({ kernel, variant, reason }) => `  not used: ${variant} of ${kernel}, which ${reason}`),
    ...notes.map(note => `  note: ${note}`),
  ];
}
