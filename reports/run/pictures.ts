// The pictures of a report: which records are shown, what the model saw in them, and where its text made it look.

import { type Assembly, findRegions, loadAssembly, Preprocessor } from '../../assembly/index.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { trainingOf } from '../../networks/training-registry.js';
import type { DatasetRecord } from '../../node/datasets/dataset.js';
import type { ImageScore } from '../../node/datasets/evaluate.js';
import { simplify } from '../../node/images/contour.js';
import { decodeImage, loadSharp } from '../../node/images/image-files.js';
import { readMask } from '../../node/images/masks.js';
import type { ForwardInputs } from '../../runtime/inspect/forward.js';
import { encodeIfRead } from '../../runtime/sentence.js';
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
  /** Null where the model reads none. */
  readonly text: string | null;
  /** Width of the image; outlines are in its pixels. */
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

/** A picture without its maps, and what they are computed from. */
interface Draft extends Omit<Picture, 'maps'> {
  readonly group: GroupName;
  readonly input: Float32Array;
  readonly tokens: Int32Array;
}

/** Errors: those of reading files, of the session and of `forward`. */
export async function drawPictures(
  engine: PictureEngine,
  config: Config,
  records: readonly DatasetRecord[],
  picked: ReturnType<typeof pickRecords>,
  options: PictureOptions = {},
): Promise<PictureGroup[]> {
  const byId = new Map(records.map(record => [record.id, record]));
  const chosen = GROUPS.flatMap(group => picked[group].map(score => ({ group, score })));
  const assembly = await loadAssembly();
  const { imageSize: size, normalize } = config;
  const preprocessor = new Preprocessor(assembly, { size, normalize, layout: 'nchw' });
  const drafts: Draft[] = [];
  try {
    for (const { group, score } of chosen) {
      const drawn = await drawPicture(engine.session, assembly, preprocessor, byId.get(score.id)!, options.signal);
      drafts.push({ group, score, ...drawn });
      options.onProgress?.(drafts.length, chosen.length);
    }
  } finally {
    preprocessor.dispose();
  }
  const drawn = trainingOf(Network.of(config)).maps.length > 0;
  const maps = drawn ? await mapsOf(engine, config, drafts) : drafts.map(() => []);
  const pictures = drafts.map(({ input: _, tokens: __, ...draft }, i) => ({ ...draft, maps: maps[i]! }));
  return GROUPS.flatMap(name => {
    const own = pictures.filter(({ group }) => group === name);
    return own.length > 0 ? [{ name, pictures: own }] : [];
  });
}

async function drawPicture(
  session: Session,
  assembly: Assembly,
  preprocessor: Preprocessor,
  record: DatasetRecord,
  signal: AbortSignal | undefined,
): Promise<Omit<Draft, 'group' | 'score'>> {
  const stop = signal && { signal };
  const { pixels, shape } = await decodeImage(record.image, stop);
  const { foreground } = await readMask(record.mask, shape, stop);
  const { width, height } = pixels;
  const side = Math.max(width, height);
  const report = await encodeIfRead(session, record.text, stop);
  try {
    const { lesions } = await session.segment(pixels, report, stop);
    const target = findRegions(assembly, foreground, width, height);
    const outlines = { predicted: pathOf(lesions, side), marked: pathOf(target, side) };
    const input = Float32Array.from(preprocessor.run(pixels));
    const tokens = report?.ids ?? new Int32Array();
    const text = report && record.text;
    return { text, width, height, photo: await jpeg(pixels), ...outlines, input, tokens };
  } finally {
    report?.dispose();
  }
}

/** The network's maps of every picture, from one forward pass over all: opening the model anew for each would take longer. */
async function mapsOf(engine: PictureEngine, config: Config, drafts: readonly Draft[]): Promise<HeatMap[][]> {
  const size = config.imageSize;
  const length = Math.max(...drafts.map(({ tokens }) => tokens.length));
  const rows = drafts.map(({ tokens }) => padIds(tokens, length));
  const joined = (parts: readonly ArrayLike<number>[]) => parts.flatMap(part => Array.from(part));
  const texts = [drafts.length, length];
  const outputs = await engine.forward({
    image: { shape: [drafts.length, 3, size, size], data: joined(drafts.map(({ input }) => input)) },
    ids: { shape: texts, data: joined(rows.map(({ ids }) => ids)) },
    mask: { shape: texts, data: joined(rows.map(({ mask }) => mask)) },
  });
  const levels = trainingOf(Network.of(config)).maps.flatMap(([name]) => outputs?.[name] ?? []);
  const mapOf = ({ data, shape }: ForwardOutput, i: number) => {
    const [, , height, width] = shape as [number, number, number, number];
    return heatMap(data.subarray(i * height * width, (i + 1) * height * width), width, height);
  };
  return Promise.all(drafts.map((_, i) => Promise.all(levels.map(level => mapOf(level, i)))));
}

/** Contours along pixel centres as closed SVG paths, simplified by a distance that nobody sees. */
function pathOf(regions: readonly { readonly contour: Int32Array }[], side: number): string {
  const round = (v: number) => Math.round(v * 10) / 10;
  return regions
    .map(({ contour }) => {
      const placed = Float64Array.from(contour, v => v + 0.5);
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
