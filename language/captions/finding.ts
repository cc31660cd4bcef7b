// What a caption says of a picture, attribute by attribute.

/** Ninths of a picture, as captions of endoscopic images name them. */
export const CELLS = [
  ...['top left', 'top', 'top right'],
  ...['left', 'center', 'right'],
  ...['bottom left', 'bottom', 'bottom right'],
] as const;
export type Cell = (typeof CELLS)[number];

export const ZONES = ['all', 'upper', 'middle', 'lower'] as const;
export type Zone = (typeof ZONES)[number];

/** Zones of one lung: upper and lower, for instance, or all of it. */
export interface LungPlace {
  readonly zones: readonly Zone[];
  readonly side: 'left' | 'right';
}

/** A part of the picture, or of a lung. */
export type Place = Cell | LungPlace;

/** What may be said of a finding, or left unsaid. */
export const ATTRIBUTES = ['count', 'extent', 'size', 'colour', 'shape', 'place'] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

export interface Finding {
  /** Which kind of caption it is of: that of polyps in endoscopic images, or of infections in images of the chest. */
  readonly subject: 'polyp' | 'lung';
  /** The class word: "polyp", "pulmonary infection". */
  readonly noun: string;
  readonly count: number | null;
  readonly extent: 'unilateral' | 'bilateral' | null;
  /** Several where the lesions differ. */
  readonly size: readonly string[];
  readonly colour: string | null;
  readonly shape: string | null;
  readonly place: readonly Place[];
}

const says = (value: Finding[Attribute]): boolean => (Array.isArray(value) ? value.length > 0 : value !== null);

/** The attributes that are said. */
export const saidOf = (finding: Finding): Attribute[] => ATTRIBUTES.filter(attribute => says(finding[attribute]));

/** The finding with these attributes alone. */
export function keep(finding: Finding, attributes: readonly Attribute[]): Finding {
  const kept = <A extends Attribute>(attribute: A, nothing: Finding[A]) =>
    attributes.includes(attribute) ? finding[attribute] : nothing;
  return {
    ...finding,
    count: kept('count', null),
    extent: kept('extent', null),
    size: kept('size', []),
    colour: kept('colour', null),
    shape: kept('shape', null),
    place: kept('place', []),
  };
}

export const without = (finding: Finding, attributes: readonly Attribute[]): Finding =>
  keep(
    finding,
    ATTRIBUTES.filter(attribute => !attributes.includes(attribute)),
  );

const NUMBERS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];

/** Matches a number in words, up to twelve. */
export const NUMBER = NUMBERS.join('|');
export const numberOf = (word: string): number => NUMBERS.indexOf(word) + 1;
export const wordOf = (count: number): string => NUMBERS[count - 1]!;
