// The host's byte work against what Node offers for it: a video frame to the network's input against sharp (libvips), captions to ids
// against Hugging Face's tokenizers for JavaScript. In turn, in one process.

import { loadAssembly } from '../../assembly/instance.js';
import { Preprocessor } from '../../assembly/preprocess.js';
import { Vocabulary } from '../../assembly/wordpiece.js';
import { readBytes, VOCABULARY } from '../../node/disk/read-file.js';
import { loadSharp } from '../../node/images/image-files.js';
import { type Latency, latency, pairedRatio } from '../statistics.js';
import { loadPeer, peerVersion } from './find-peers.js';
import { HEIGHT, videoFrame, WIDTH } from './video-frame.js';

/** Ours and the peer's time for the same work. */
export interface Duel {
  readonly work: string;
  readonly ours: Latency;
  readonly peer: { readonly name: string; readonly version: string } & Latency;
  /** Ours over the peer's: on the wall clock, and of the CPU's time, of all threads. */
  readonly ratio: number;
  readonly cpu_ratio: number;
  /** Share of the results that are the same: ids equal; pixels within 1/128 of their range. */
  readonly agreement: number;
}

const ROUNDS = 41;
/** Rounds before them, not counted: engines compile what they have seen run for a while, on both sides. */
const WARM_UP = 5;

/** Milliseconds. */
interface Spent {
  readonly wall: number[];
  readonly cpu: number[];
}

/**
 * Times of both in turn. One time is that of `passes` passes, divided by them: short work needs several, to be long beside a clock's
 * step and to hold its own share of garbage to collect.
 */
async function inTurn(
  ours: () => unknown,
  peer: () => unknown,
  passes = 1,
): Promise<{ readonly ours: Spent; readonly peer: Spent }> {
  const samples = {
    ours: { wall: [] as number[], cpu: [] as number[] },
    peer: { wall: [] as number[], cpu: [] as number[] },
  };
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const [name, work] of [
      ['ours', ours],
      ['peer', peer],
    ] as const) {
      const [start, spent] = [performance.now(), process.cpuUsage()];
      for (let pass = 0; pass < passes; pass++) await work();
      const { user, system } = process.cpuUsage(spent);
      if (round < 0) continue;
      samples[name].wall.push((performance.now() - start) / passes);
      // never 0: a ratio is made of it
      samples[name].cpu.push(Math.max(1, user + system) / 1000 / passes);
    }
  }
  return samples;
}

const ratios = ({ ours, peer }: { readonly ours: Spent; readonly peer: Spent }) => ({
  ratio: pairedRatio(ours.wall, peer.wall),
  cpu_ratio: pairedRatio(ours.cpu, peer.cpu),
});

/** (x - mean) / (std + 1e-6) of each channel, as the network's input has it. */
function zscore(pixels: Uint8Array): Float32Array {
  const out = new Float32Array(pixels.length);
  const count = pixels.length / 3;
  for (let c = 0; c < 3; c++) {
    let sum = 0;
    for (let i = c; i < pixels.length; i += 3) sum += pixels[i]!;
    const mean = sum / count;
    let squares = 0;
    for (let i = c; i < pixels.length; i += 3) squares += (pixels[i]! - mean) ** 2;
    const scale = 1 / (Math.sqrt(squares / count) + 1e-6);
    for (let i = c; i < pixels.length; i += 3) out[i] = (pixels[i]! - mean) * scale;
  }
  return out;
}

/** Resize and normalise a 1920 x 1080 frame, already decoded, to S x S. */
export async function benchResize(size: number): Promise<Duel> {
  const sharp = await loadSharp();
  const data = videoFrame();
  using preprocessor = new Preprocessor(await loadAssembly(), { size, normalize: 'zscore' });
  const ours = () => preprocessor.run({ data, width: WIDTH, height: HEIGHT, channels: 3 });
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
  const peer = async () =>
    // "linear" is the triangle filter that our resize has, widened by the scale as ours
    zscore(await sharp(data, { raw }).resize(size, size, { fit: 'fill', kernel: 'linear' }).raw().toBuffer());
  const [first, second] = [(ours() as Float32Array).slice(), await peer()];
  const near = first.filter((value, i) => Math.abs(value - second[i]!) < 4 / 128).length;
  const samples = await inTurn(ours, peer);
  return {
    work: `resize ${WIDTH}x${HEIGHT} to ${size}x${size} and normalise`,
    ours: latency(samples.ours.wall),
    peer: {
      name: 'sharp',
      version: `${sharp.versions.sharp} (${sharp.concurrency()} threads)`,
      ...latency(samples.peer.wall),
    },
    ...ratios(samples),
    agreement: near / first.length,
  };
}

interface HubTokenizer {
  encode(text: string): { readonly ids: readonly number[] };
}

interface HubModule {
  readonly Tokenizer: new (json: unknown, config: unknown) => HubTokenizer;
}

/** tokenizer.json of an uncased BERT with these tokens. */
function bertTokenizer(tokens: readonly string[]): unknown {
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].filter(token => Object.hasOwn(vocab, token));
  const single = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map(content => ({
      ...{
        id: vocab[content],
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [single('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, single('[SEP]')],
      pair: [],
      special_tokens: Object.fromEntries(['[CLS]', '[SEP]'].map(id => [id, { id, ids: [vocab[id]], tokens: [id] }])),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}

const COUNTS = ['one', 'two', 'three', 'multiple'];
const SIZES = ['small', 'medium', 'large'];
const COLOURS = ['pink', 'yellow', 'white', 'reddish purple'];
const PLACES = ['center', 'top left', 'bottom right', 'left', 'top, center and bottom right'];

/** Sentences in the style of the data sets' captions. */
export const captions = (): string[] =>
  COUNTS.flatMap(count =>
    SIZES.flatMap(size =>
      COLOURS.flatMap(colour =>
        PLACES.map(place => `${count} ${size} ${colour} round polyp, located in ${place} of the image`),
      ),
    ),
  );

/** Captions to ids with a vocabulary. @throws TmcaError ENGINE_UNAVAILABLE, VOCABULARY_INVALID, FILE_UNREADABLE */
export async function benchTokenize(vocabPath: string): Promise<Duel> {
  const bytes = await readBytes(vocabPath, {
    rule: 'bench: a vocabulary must be a file',
    advice: 'check it',
    ...VOCABULARY,
  });
  const { Tokenizer } = await loadPeer<HubModule>('@huggingface/tokenizers');
  using vocabulary = new Vocabulary(await loadAssembly(), bytes);
  const tokens = new TextDecoder()
    .decode(bytes)
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  const hub = new Tokenizer(bertTokenizer(tokens), {
    ...{ tokenizer_class: 'BertTokenizer', do_lower_case: true, unk_token: '[UNK]', cls_token: '[CLS]' },
    ...{ sep_token: '[SEP]', pad_token: '[PAD]', mask_token: '[MASK]' },
  });
  const texts = captions();
  const same = texts.filter(text => vocabulary.encode(text).ids.join() === hub.encode(text).ids.join()).length;
  const samples = await inTurn(
    () => texts.map(text => vocabulary.encode(text)),
    () => texts.map(text => hub.encode(text)),
    10,
  );
  return {
    work: `tokenise ${texts.length} captions`,
    ours: latency(samples.ours.wall),
    peer: {
      name: '@huggingface/tokenizers',
      version: peerVersion('@huggingface/tokenizers'),
      ...latency(samples.peer.wall),
    },
    ...ratios(samples),
    agreement: same / texts.length,
  };
}
