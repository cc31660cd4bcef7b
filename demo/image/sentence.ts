// The structured prompt: five choices that read as the sentence they make, in the form of the captions that the shipped model was
// trained on (medvlsm's for Kvasir-SEG), with their words, most frequent first.

const PARTS = {
  count: ['one', 'two', 'three', 'four'],
  size: ['medium', 'small', 'large'],
  colour: ['white', 'yellow', 'brown', 'pink', 'orange', 'tan', 'red'],
  shape: ['round', 'circle', 'oval', 'triangular', 'heart', 'kidney'],
  place: ['center', 'right', 'left', 'top', 'bottom', 'top left', 'top right', 'bottom left', 'bottom right'],
} as const;

type Part = keyof typeof PARTS;
type Choices = Record<Part, string>;

const ORDER: readonly string[] = ['count', 'size', 'colour', 'shape', 'polyp, located in', 'place', 'of the image'];
const NAMES: Record<Part, string> = {
  count: 'how many',
  size: 'size',
  colour: 'colour',
  shape: 'shape',
  place: 'where',
};
const PATTERN = /^((?:\w+ )*)polyps?(?:, located in ([\w ]+?) of the image)?\.?$/i;

/** A sentence of what has been chosen; what is left open is not mentioned. Empty if nothing is. */
export function compose(choices: Choices): string {
  const { count, size, colour, shape, place } = choices;
  const words = [count, size, colour, shape].filter(Boolean);
  if (words.length === 0 && !place) return '';
  return `${[...words, 'polyp'].join(' ')}${place && `, located in ${place} of the image`}`;
}

const isOf = (part: Part, word: string) => (PARTS[part] as readonly string[]).includes(word);

/** The choices behind a sentence, if it is one that the builder could have made; those left open are empty. */
export function parse(sentence: string): Choices | undefined {
  const choices: Choices = { count: '', size: '', colour: '', shape: '', place: '' };
  const text = sentence.trim().replace(/\s+/g, ' ').toLowerCase();
  if (text === '') return choices;
  const [, words = '', place = ''] = PATTERN.exec(text) ?? [undefined, undefined];
  if (!PATTERN.test(text) || (place && !isOf('place', place))) return undefined;
  choices.place = place;
  let from = 0;
  for (const word of words.trim().split(' ').filter(Boolean)) {
    const at = ADJECTIVES.findIndex((part, at) => at >= from && isOf(part, word));
    if (at < 0) return undefined;
    choices[ADJECTIVES[at]!] = word;
    from = at + 1;
  }
  return choices;
}

const ADJECTIVES = ['count', 'size', 'colour', 'shape'] as const satisfies readonly Part[];

/** Fills `root` with the five selects. `onChange` gets the new sentence; `show` sets the selects from one. */
export function sentenceBuilder(
  root: HTMLElement,
  onChange: (sentence: string) => void,
): { show(sentence: string): void } {
  const selects = new Map<Part, HTMLSelectElement>();
  const current = () => Object.fromEntries([...selects].map(([part, select]) => [part, select.value])) as Choices;
  for (const word of ORDER) {
    if (!(word in PARTS)) {
      root.append(` ${word} `);
      continue;
    }
    const part = word as Part;
    const select = document.createElement('select');
    select.ariaLabel = NAMES[part];
    select.append(new Option(`(${NAMES[part]})`, ''), ...PARTS[part].map(option => new Option(option, option)));
    select.addEventListener('change', () => {
      root.classList.remove('stale');
      onChange(compose(current()));
    });
    selects.set(part, select);
    root.append(select, ' ');
  }
  return {
    show(sentence) {
      const choices = parse(sentence);
      // A sentence in other words is fine; the selects only fade, for they do not say what will be run.
      root.classList.toggle('stale', !choices);
      if (choices) for (const [part, select] of selects) select.value = choices[part];
    },
  };
}
