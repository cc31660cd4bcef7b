// The pictures of a report: which records are shown, what the model saw in them, and where its text made it look.

import { type Assembly, findRegions, loadAssembly, Preprocessor } from '../../assembly/index.js';
import type { Config } from '../../model/config.js';
import type { ForwardInputs } from '../../runtime/inspect.js';
import { simplify } from '../../runtime/node/contour.js';
import type { DatasetRecord } from '../../runtime/node/dataset.js';
import type { ImageScore } from '../../runtime/node/evaluate.js';
import { decodeImage, foregroundOf, loadSharp } from '../../runtime/node/images.js';
import { padIds } from '../../runtime/text-lengths.js';
import type { Pixels, Session } from '../../runtime/types.js';
import { type HeatMap, heatMap } from './heat-map.js';

/** Longer side of the photos that go into the page, in pixels: sharp on a dense screen at the size of a card. */
const PHOTO_SIDE = 480;
/** How far an outline may leave the steps of its mask, as a share of the longer side. */
const TOLERANCE = 0.002;

export const GROUPS = ['Best', 'Median', 'Worst'] as const;
export type GroupName = (typeof GROUPS)[number];

export interface Picture {
  readonly score: ImageScore;
  readonly text: string;
  /** Of the image; outlines are in its pixels. */
  readonly width: number;
  readonly height: number;
  /** data: address of a JPEG. */
  readonly photo: string;
  /** SVG paths: of the model's mask, and of the data set's. */
  readonly predicted: string;
  readonly marked: string;
  /** One for each level that LTEM gates, deepest first; none where it is off. */
  readonly maps: readonly HeatMap[];
}

export interface PictureGroup {
  readonly name: GroupName;
  readonly pictures: readonly Picture[];
}

/** What runs the network. */
export interface PictureEngine {
  readonly session: Session;
  /** All outputs of a forward pass, by the reference's names; null where nothing at hand can tell them. */
  forward(inputs: ForwardInputs): Promise<Readonly<Record<string, ForwardOutput>> | null>;
}

interface ForwardOutput {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export interface PictureOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The highest, middle and lowest Dice, `count` of each, or fewer so that no record is shown twice; a single one counts as best,
 * the second as worst. Equal scores go by id, so that a report is the same whenever it is made.
 */
export function pickRecords(
  scores: readonly ImageScore[],
  count: number,
): Readonly<Record<GroupName, readonly ImageScore[]>> {
  const sorted = [...scores].sort((a, b) => b.dice - a.dice || (a.id < b.id ? -1 : 1));
  const n = sorted.length;
  const each = Math.max(1, Math.min(count, Math.floor(n / 3)));
  const middle = Math.floor((n - each) / 2);
  return {
    Best: sorted.slice(0, each),
    Median: n < 3 ? [] : sorted.slice(middle, middle + each),
    Worst: n < 2 ? [] : sorted.slice(n - each),
  };
}

/** Errors: those of reading files and of the session. */
export async function drawPictures(
  engine: PictureEngine,
  config: Config,
  records: readonly DatasetRecord[],
  picked: ReturnType<typeof pickRecords>,
  options: PictureOptions = {},
): Promise<PictureGroup[]> {
  const byId = new Map(records.map(record => [record.id, record]));
  const total = GROUPS.reduce((sum, name) => sum + picked[name].length, 0);
  const assembly = await loadAssembly();
  const groups: PictureGroup[] = [];
  let done = 0;
  for (const name of GROUPS) {
    const pictures: Picture[] = [];
    for (const score of picked[name]) {
      pictures.push(await drawPicture(engine, assembly, config, byId.get(score.id)!, score, options.signal));
      options.onProgress?.(++done, total);
    }
    if (pictures.length > 0) groups.push({ name, pictures });
  }
  return groups;
}

async function drawPicture(
  engine: PictureEngine,
  assembly: Assembly,
  config: Config,
  record: DatasetRecord,
  score: ImageScore,
  signal: AbortSignal | undefined,
): Promise<Picture> {
  const stop = signal && { signal };
  const { pixels } = await decodeImage(record.image, stop);
  const { pixels: mask } = await decodeImage(record.mask, stop);
  const { width, height } = pixels;
  const report = await engine.session.encodeReport(record.text, stop);
  try {
    const { lesions } = await engine.session.segment(pixels, report, stop);
    const target = findRegions(assembly, foregroundOf(mask), mask.width, mask.height);
    const scale = [width / mask.width, height / mask.height] as const;
    const maps = config.enhance ? await enhancement(engine, assembly, config, pixels, report.ids) : [];
    const predicted = pathOf(lesions, [1, 1], Math.max(width, height));
    const marked = pathOf(target, scale, Math.max(width, height));
    return { score, text: record.text, width, height, photo: await jpeg(pixels), predicted, marked, maps };
  } finally {
    report.dispose();
  }
}

async function enhancement(
  engine: PictureEngine,
  assembly: Assembly,
  config: Config,
  pixels: Pixels,
  tokens: Int32Array,
): Promise<HeatMap[]> {
  const { imageSize: size, normalize } = config;
  const preprocessor = new Preprocessor(assembly, { size, normalize, layout: 'nchw' });
  try {
    const image = { shape: [1, 3, size, size], data: preprocessor.run(pixels) };
    const { ids, mask } = padIds(tokens, tokens.length);
    const shape = [1, tokens.length];
    const outputs = await engine.forward({ image, ids: { shape, data: ids }, mask: { shape, data: mask } });
    const maps = [1, 2, 3].flatMap(i => outputs?.[`enhancement.${i}`] ?? []);
    return await Promise.all(maps.map(({ data, shape: s }) => heatMap(data, s[3]!, s[2]!)));
  } finally {
    preprocessor.dispose();
  }
}

/** Contours along pixel centres as closed SVG paths, simplified by a distance that nobody sees. */
function pathOf(
  regions: readonly { readonly contour: Int32Array }[],
  scale: readonly [number, number],
  side: number,
): string {
  const round = (v: number) => Math.round(v * 10) / 10;
  return regions
    .map(({ contour }) => {
      const placed = Float64Array.from(contour, (v, i) => (v + 0.5) * scale[i % 2]!);
      const points = simplify(placed, TOLERANCE * side);
      const pairs = Array.from(
        { length: points.length / 2 },
        (_, i) => `${round(points[2 * i]!)} ${round(points[2 * i + 1]!)}`,
      );
      return `M${pairs.join('L')}Z`;
    })
    .join('');
}

async function jpeg({ data, width, height, channels }: Pixels): Promise<string> {
  const sharp = await loadSharp();
  const bytes = await sharp(data, { raw: { width, height, channels }, limitInputPixels: false })
    .resize(PHOTO_SIDE, PHOTO_SIDE, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 80, mozjpeg: true })
    .toBuffer();
  return `data:image/jpeg;base64,${bytes.toString('base64')}`;
}
