// Examples for the trainer of pages: pictures of 40 x 30 with a bright lesion, and sentences in a vocabulary of 31 words, which is
// what the golden micro networks have. Plain data, so that a page can be given them.

const WIDTH = 40;
const HEIGHT = 30;

const WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'one', 'lesion', 'on', 'the', 'left', 'right', 'small', 'large'];

/** Content of a vocab.txt. */
export const VOCABULARY = new TextEncoder().encode(
  [...WORDS, ...Array.from({ length: 31 - WORDS.length }, (_, i) => `w${i}`)].join('\n'),
);

const TEXTS = ['one lesion', 'one small lesion on the left', 'one large lesion on the right'];

/** RGBA, as an ImageData has it. */
const picture = (pixel: (x: number, y: number) => readonly [number, number, number]) => {
  const data = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  for (let y = 0; y < HEIGHT; y++) for (let x = 0; x < WIDTH; x++) data.set([...pixel(x, y), 255], (y * WIDTH + x) * 4);
  return { data, width: WIDTH, height: HEIGHT, channels: 4 as const };
};

export const examplesOf = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const inside = (x: number, y: number) => Math.hypot(x - 10 - 8 * i, y - 15) < 6 + i;
    const grey = (x: number, y: number) => 40 + ((x * 31 + y * 17 + i * 7) % 61);
    return {
      image: picture((x, y) => (inside(x, y) ? [220, grey(x, y), 90] : [grey(x, y), grey(y, x), grey(x, y)])),
      mask: picture((x, y) => (inside(x, y) ? [255, 255, 255] : [0, 0, 0])),
      text: TEXTS[i % TEXTS.length]!,
    };
  });
