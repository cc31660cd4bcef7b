// What comes beside the text encoder's tensors: vocab.txt as other systems write it, tokenizer.json, rows above the vocabulary.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { countTokens } from '../../assembly/wordpiece.js';
import { openModelFolder } from '../../formats/model-folder/index.js';
import { type SafetensorsTensor, tensorOf, toFloat32 } from '../../formats/safetensors/index.js';
import { Network } from '../../networks/network.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { FIXTURES, importSmall, readTensors, scratch, VOCAB, writeTensors } from './checkpoint-files.js';
import { failure } from './raw-safetensors.js';

const folder = scratch();
const WORDS = 'embeddings.word_embeddings.weight';
const OURS = 'text_encoder.embeddings.word_embeddings.weight';
const vocab = readFileSync(VOCAB, 'utf8');
const tokens = vocab.trimEnd().split('\n');
let bert: SafetensorsTensor[] = [];
beforeAll(async () => {
  bert = [...(await readTensors(`${FIXTURES}/bert.safetensors`)).values()];
});

let made = 0;
/** A folder with the text encoder, its word embeddings changed, and other files. */
function encoder(files: Record<string, string | object>, words?: (t: SafetensorsTensor) => SafetensorsTensor): string {
  const here = join(folder, `bert-${++made}`);
  mkdirSync(here);
  const tensors = bert.map(t => (words && t.name.endsWith(WORDS) ? words(t) : t));
  writeTensors(join(here, 'model.safetensors'), tensors);
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(here, name), typeof content === 'string' ? content : JSON.stringify(content));
  return here;
}

/** The tensor with `more` rows at its end, all NaN: a row that is read is found. */
const padded = (more: number) => (t: SafetensorsTensor) => {
  const [rows, columns] = t.shape as [number, number];
  const values = new Float32Array((rows + more) * columns).fill(Number.NaN);
  values.set(toFloat32(t));
  return tensorOf(t.name, [rows + more, columns], values);
};

const fast = (change: Record<string, object> = {}, entries = Object.fromEntries(tokens.map((t, i) => [t, i]))) => ({
  added_tokens: [],
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
    ...change.normalizer,
  },
  pre_tokenizer: { type: 'BertPreTokenizer', ...change.pre_tokenizer },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: entries,
    ...change.model,
  },
});

/** Imports an encoder; the folder that comes of it, opened. */
async function imported(from: string, options = {}) {
  const out = join(folder, `out-${++made}`);
  const result = await importSmall([from], out, options);
  const opened = await openModelFolder(out, nodeIo);
  await opened.close();
  const model = await readTensors(join(out, 'model.safetensors'));
  return { result, model, config: opened.config, written: opened.vocab && new TextDecoder().decode(opened.vocab) };
}

describe('vocab.txt of other systems', () => {
  const forms: [string, string][] = [
    ['a byte order mark', `\ufeff${vocab}`],
    ['CRLF', vocab.replaceAll('\n', '\r\n')],
    ['CR', vocab.replaceAll('\n', '\r')],
    ['both', `\ufeff${vocab.replaceAll('\n', '\r\n')}`],
    ['no line end after the last token', vocab.trimEnd()],
  ];

  test.each(forms)('%s: imported with the same tokens, LF and no mark', async (_, text) => {
    const { written, config } = await imported(encoder({ 'vocab.txt': text }));
    expect(written!.trimEnd()).toBe(vocab.trimEnd());
    expect(written).not.toMatch(/[\r\ufeff]/);
    expect(Network.of(config).text!.vocabSize).toBe(tokens.length);
  });

  test.each(forms)('%s: the tokens are counted as they are read', (_, text) => {
    expect(countTokens(new TextEncoder().encode(text))).toBe(tokens.length);
  });

  test('a byte order mark before tokenizer.json and config.json', async () => {
    const config = `\ufeff${readFileSync(`${FIXTURES}/bert-sharded/config.json`, 'utf8')}`;
    const from = encoder({ 'tokenizer.json': `\ufeff${JSON.stringify(fast())}`, 'config.json': config });
    expect((await imported(from)).written).toBe(vocab);
  });
});

describe('tokenizer.json without vocab.txt', () => {
  test('the WordPiece vocabulary is read from it, by ids, whatever their order', async () => {
    const entries = Object.fromEntries(tokens.map((t, i): [string, number] => [t, i]).reverse());
    const from = encoder({ 'tokenizer.json': fast({}, entries) });
    const { written, result } = await imported(from);
    expect(written).toBe(vocab);
    expect(result.vocab).toBe(join(from, 'tokenizer.json'));
    expect(result.warnings.filter(text => /vocab|token/.test(text))).toEqual([]);
  });

  test('steps in sequences of one, fields that are left out, special tokens that stand beside the vocabulary', async () => {
    const { normalizer, pre_tokenizer, model } = fast();
    const without = Object.fromEntries(Object.entries(model.vocab).filter(([token]) => token !== '[CLS]'));
    const tokenizer = {
      added_tokens: [{ id: tokens.indexOf('[CLS]'), content: '[CLS]', special: true }],
      normalizer: { type: 'Sequence', normalizers: [normalizer] },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [pre_tokenizer] },
      model: { type: 'WordPiece', vocab: without },
    };
    expect((await imported(encoder({ 'tokenizer.json': tokenizer }))).written).toBe(vocab);
  });

  test('named with --vocab', async () => {
    const from = encoder({ 'tokenizer.json': fast(), 'vocab.txt': '[PAD]\n' });
    expect((await imported(from, { vocab: join(from, 'tokenizer.json') })).written).toBe(vocab);
  });

  test.each([
    ['BPE', fast({ model: { type: 'BPE' } }), 'model.type must be "WordPiece", got "BPE"'],
    ['Unigram', fast({ model: { type: 'Unigram' } }), 'model.type must be "WordPiece", got "Unigram"'],
    ['a cased model', fast({ normalizer: { lowercase: false } }), 'normalizer.lowercase must be true, got false'],
    ['kept accents', fast({ normalizer: { strip_accents: false } }), 'normalizer.strip_accents must not be false'],
    [
      'another normaliser',
      fast({ normalizer: { type: 'NFKC' } }),
      'normalizer.type must be "BertNormalizer", got "NFKC"',
    ],
    ['no normaliser', { ...fast(), normalizer: null }, 'normalizer.type must be "BertNormalizer", got none'],
    ['another split', fast({ pre_tokenizer: { type: 'Whitespace' } }), 'pre_tokenizer.type must be "BertPreTokenizer"'],
    ['another prefix', fast({ model: { continuing_subword_prefix: '@@' } }), 'prefix must be "##", got "@@"'],
  ])('%s is refused by name', async (_, tokenizer, says) => {
    const from = encoder({ 'tokenizer.json': tokenizer });
    const { message } = await failure('UNSUPPORTED', () => imported(from));
    expect(message).toContain(`${join(from, 'tokenizer.json')} must be the tokeniser of uncased BERT`);
    expect(message).toContain(says);
  });

  test.each([
    [
      'an id that is missing',
      { ...fast().model.vocab, a: 99 },
      'ids must be the numbers from 0 to 30, got none with 5',
    ],
    ['an id twice', { ...fast().model.vocab, a: 0 }, 'must have an id of its own, got 30 ids for 31 tokens'],
    ['a token of two lines', { ...fast().model.vocab, 'x\ny': 31 }, 'a token must fit on a line of vocab.txt'],
    ['no vocabulary', [], 'model.vocab must map tokens to ids, got []'],
  ])('%s', async (_, entries, says) => {
    const { message } = await failure('VOCABULARY_INVALID', () =>
      imported(encoder({ 'tokenizer.json': fast({ model: { vocab: entries } }) })),
    );
    expect(message).toContain(says);
  });

  test('neither file: said', async () => {
    const { result, written } = await imported(encoder({}));
    expect(written).toBeNull();
    expect(result.warnings.join()).toContain('no vocab.txt and no tokenizer.json');
  });
});

describe('rows of the word embeddings above the vocabulary', () => {
  test.each([
    [1, 8],
    [9, 40],
    [33, 64],
    [97, 128],
  ])('%i more: left out and said, the rows of the tokens as they were', async (more, multiple) => {
    const config = { model_type: 'bert', num_attention_heads: 2, vocab_size: tokens.length + more };
    const from = encoder({ 'vocab.txt': vocab, 'config.json': config }, padded(more));
    const { result, model, config: network } = await imported(from);
    expect(Network.of(network).text!.vocabSize).toBe(tokens.length);
    expect(model.get(OURS)!.shape).toEqual([tokens.length, 12]);
    expect([...toFloat32(model.get(OURS)!)]).toEqual([...toFloat32(bert.find(t => t.name.endsWith(WORDS))!)]);
    const [said] = result.warnings.filter(text => text.includes('word_embeddings'));
    expect(said).toContain(`have ${tokens.length + more} rows for ${tokens.length} tokens; the ${more} above`);
    expect(said).toContain(`padding to a multiple of ${multiple}`);
  });

  test('tokens that were added beside the vocabulary', async () => {
    const files = { 'vocab.txt': vocab, 'added_tokens.json': { '<polyp>': 31, '<scan>': 32 } };
    const { result, config } = await imported(encoder(files, padded(2)));
    expect(Network.of(config).text!.vocabSize).toBe(tokens.length);
    expect(result.warnings.join()).toContain('2 above the vocabulary (2 added tokens ("<polyp>", "<scan>"))');
  });

  test('rows of another vocabulary are refused', async () => {
    const from = encoder({ 'vocab.txt': vocab }, padded(2));
    const { message } = await failure('MODEL_MISMATCH', () => imported(from));
    expect(message).toContain('must have 33 tokens, one for each row of word_embeddings, got 31');
  });
});

describe('numbers of other widths', () => {
  const doubles = (value: number) => (t: SafetensorsTensor) => {
    const values = Float64Array.from(toFloat32(t));
    values[1] = value;
    return tensorOf(t.name, t.shape, values);
  };

  test('F64 is rounded to F32, and said', async () => {
    const { result, model } = await imported(encoder({ 'vocab.txt': vocab }, doubles(0.1)));
    expect(toFloat32(model.get(OURS)!)[1]).toBe(Math.fround(0.1));
    expect(result.warnings.join()).toContain('F64 is rounded to F32: "bert.embeddings.word_embeddings.weight"');
  });

  test.each([1e300, Number.NaN])('F64 with %d, which F32 has not, is refused', async value => {
    const { message } = await failure('MODEL_NOT_FINITE', () =>
      imported(encoder({ 'vocab.txt': vocab }, doubles(value))),
    );
    expect(message).toContain('word_embeddings.weight');
  });
});
