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

const ORDER: readonly (Part | string)[] = [
  'count',
  'size',
  'colour',
  'shape',
  'polyp, located in',
  'place',
  'of the image',
];
const PATTERN = /^(\w+) (\w+) (\w+) (\w+) polyps?, located in ([\w ]+?) of the image\.?$/i;

export function compose({ count, size, colour, shape, place }: Choices): string {
  return `${count} ${size} ${colour} ${shape} polyp, located in ${place} of the image`;
}

/** The choices behind a sentence, if it is one that the builder could have made. */
export function parse(sentence: string): Choices | undefined {
  const words = PATTERN.exec(sentence.trim().toLowerCase())?.slice(1);
  if (!words) return undefined;
  const parts = Object.keys(PARTS) as Part[];
  const known = parts.every((part, at) => (PARTS[part] as readonly string[]).includes(words[at] ?? ''));
  return known ? (Object.fromEntries(parts.map((part, at) => [part, words[at]])) as Choices) : undefined;
}

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
    select.ariaLabel = part;
    select.append(...PARTS[part].map(option => new Option(option, option)));
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
