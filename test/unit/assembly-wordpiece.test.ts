import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Assembly, createAssembly, loadAssembly } from '../../assembly/instance.js';
import { Vocabulary } from '../../assembly/wordpiece.js';
import { TmcaError } from '../../errors/index.js';
import { classify, DROP, fold, PUNCTUATION, SPACE } from '../../tools/make-unicode.mjs';
import fixture from '../fixtures/wordpiece.json';

const file = fixture.vocabulary.join('\n');
let assembly: Assembly;
let vocabulary: Vocabulary;
beforeAll(async () => {
  assembly = await loadAssembly();
  vocabulary = new Vocabulary(assembly, file);
});

const id = (token: string) => fixture.vocabulary.indexOf(token);
const encode = (text: string) => Array.from(vocabulary.encode(text).ids);

/** The tokeniser again, on JavaScript's own strings and character data. */
function oracle(text: string): number[] {
  const specials = ['[UNK]', '[CLS]', '[SEP]', '[PAD]', '[MASK]'];
  const parts = text.split(/(\[UNK\]|\[CLS\]|\[SEP\]|\[PAD\]|\[MASK\])/);
  const han = /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/u;
  const words = (part: string) => {
    const folded = Array.from(part, char => {
      const c = char.codePointAt(0)!;
      const kind = classify(c);
      if (kind === DROP) return '';
      if (kind === SPACE) return ' ';
      const out = /[가-힣]/.test(char) ? char.normalize('NFD') : String.fromCodePoint(...fold(c));
      return han.test(char) ? ` ${out} ` : out;
    }).join('');
    const spaced = Array.from(folded, d => (classify(d.codePointAt(0)!) === PUNCTUATION ? ` ${d} ` : d)).join('');
    return spaced.split(' ').filter(Boolean);
  };
  const ids = parts.flatMap(part => (specials.includes(part) ? [id(part)] : words(part).flatMap(pieces)));
  return [id('[CLS]'), ...ids, id('[SEP]')];

  function pieces(word: string): number[] {
    const chars = Array.from(word);
    if (chars.length > 100) return [id('[UNK]')];
    const out: number[] = [];
    for (let start = 0; start < chars.length; ) {
      let end = chars.length;
      const piece = () => (start ? '##' : '') + chars.slice(start, end).join('');
      while (end > start && id(piece()) < 0) end--;
      if (end === start) return [id('[UNK]')];
      out.push(id(piece()));
      start = end;
    }
    return out;
  }
}

describe('ids', () => {
  test.each(fixture.cases)("are Hugging Face's for $text", ({ text, ids }) => {
    expect(encode(text)).toEqual(ids);
  });

  test('equal the plain definition for any text', () => {
    const pieces = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.string({ unit: fc.constantFrom(...'aeip ps.’[]#İΣ日한é\u0301'), maxLength: 8 }),
      fc.constantFrom('polyp', ' ', '[SEP]', '[MASK]', 'unaffable', 'x'.repeat(101)),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), parts => {
        // A runtime with an older Unicode than the tables' takes more characters for unassigned.
        const text = parts.join('').replace(/\p{Cn}/gu, '');
        expect(encode(text)).toEqual(oracle(text));
      }),
      { numRuns: 400 },
    );
  });

  test('agree with the runtime on every code point that both know', () => {
    const tables = readFileSync('assembly/src/unicode-data.ts', 'utf8').match(/from Unicode ([\d.]+)/)?.[1];
    const different: string[] = [];
    for (let c = 0; c < 0x30000; c++) {
      if ((c >= 0xd800 && c < 0xe000) || /\p{Cn}/u.test(String.fromCodePoint(c))) continue;
      const text = `p${String.fromCodePoint(c)}`;
      if (encode(text).join() !== oracle(text).join()) different.push(`U+${c.toString(16)}`);
    }
    // Another version of Unicode reclassifies a character now and then.
    if (tables === process.versions.unicode) expect(different).toEqual([]);
    else expect(different.length).toBeLessThan(20);
  });

  test('lone surrogates vanish, as unassigned characters do', () => {
    expect(encode('po\ud800lyp \udc00\u0378')).toEqual(encode('polyp'));
  });

  test('10,000 words', () => {
    expect(encode('polyp, '.repeat(5000))).toHaveLength(10_002);
  });

  test('of words of any length, among other characters and up to the text’s end', () => {
    for (let length = 1; length <= 102; length++) {
      const word = 'Polyps09'.repeat(13).slice(0, length);
      for (const text of [
        word,
        `${word} ${word},`,
        `é${word}İ`,
        `${word}é`,
        `\u0301${word}\0${word}`,
        `日${word}[SEP]`,
      ])
        expect([text, encode(text)]).toEqual([text, oracle(text)]);
    }
  });

  test('of one text do not depend on those before it', () => {
    const texts = [
      'polyp',
      'polyps unaffable',
      'pol',
      '',
      'é'.repeat(1023),
      'pink '.repeat(204),
      'pink '.repeat(205),
      'po',
    ];
    const alone = texts.map(oracle);
    expect([...texts, ...texts.toReversed()].map(encode)).toEqual([...alone, ...alone.toReversed()]);
  });

  test('stay right when the memory grows, and are the caller’s', async () => {
    const own = await createAssembly();
    using v = new Vocabulary(own, file);
    const { ids } = v.encode('one small pink polyp');
    const before = own.memoryBytes;
    own.free(own.alloc(before, 'test'));
    expect(own.memoryBytes).toBeGreaterThan(before);
    expect(Array.from(v.encode('polyp one').ids)).toEqual(oracle('polyp one'));
    expect(Array.from(ids)).toEqual(oracle('one small pink polyp'));
    expect(ids.buffer.byteLength).toBe(ids.byteLength);
  });
});

describe('truncation', () => {
  test('keeps [CLS] and [SEP] and says so', () => {
    const whole = encode('one small pink polyp');
    expect(whole).toHaveLength(6);
    for (const maxLength of [2, 3, 5, 6, 7]) {
      const { ids, truncated } = vocabulary.encode('one small pink polyp', { maxLength });
      const cut = whole.length > maxLength;
      expect([Array.from(ids), truncated]).toEqual([
        cut ? [...whole.slice(0, maxLength - 1), id('[SEP]')] : whole,
        cut,
      ]);
    }
  });

  test('spaces after the last token that fits are no more text', () => {
    expect(vocabulary.encode('polyp   ', { maxLength: 3 }).truncated).toBe(false);
    expect(vocabulary.encode('polyps', { maxLength: 3 })).toEqual({
      ids: Int32Array.of(id('[CLS]'), id('polyp'), id('[SEP]')),
      truncated: true,
    });
  });

  test('within a word cut into pieces keeps the first, and one unknown as a whole is [UNK]', () => {
    for (const text of ['one polyppps', 'one polypω', 'polyp é', 'unaffable!'])
      for (const maxLength of [2, 3, 4, 5, 6, 7, 8]) {
        const whole = oracle(text);
        const kept = whole.length > maxLength ? [...whole.slice(0, maxLength - 1), id('[SEP]')] : whole;
        const { ids, truncated } = vocabulary.encode(text, { maxLength });
        expect([text, Array.from(ids), truncated]).toEqual([text, kept, whole.length > maxLength]);
      }
  });

  test('below 2 is refused', () => {
    expect(() => vocabulary.encode('a', { maxLength: 1 })).toThrow(
      'Vocabulary.encode: maxLength must be an integer of at least 2, got 1',
    );
  });
});

describe('a vocabulary', () => {
  const make = (text: string | Uint8Array) => {
    try {
      new Vocabulary(assembly, text).dispose();
      return 'fine';
    } catch (error) {
      if (error instanceof TmcaError) return `${error.code} ${error.message}`;
      throw error;
    }
  };
  const base = '[UNK]\n[CLS]\n[SEP]\n[PAD]';

  test.each([
    ['', 'a file of tokens must not be empty, got 0 bytes'],
    [Uint8Array.of(0xff, 0xfe), 'text must be UTF-8'],
    [`${base}\n\na`, 'every line must hold a token, got an empty line 5'],
    [`${base}\na\nb\na`, 'tokens must differ, got "a" again on line 7'],
    ['[CLS]\na', 'got none named [UNK], [SEP], [PAD]'],
    ['<html>not found</html>', 'got none named [UNK], [CLS], [SEP], [PAD]'],
  ])('%j is refused', (text, message) => {
    expect(make(text)).toMatch('VOCABULARY_INVALID Vocabulary: ');
    expect(make(text)).toContain(message);
  });

  test('may end its lines in any way, lack [MASK], and end without a line break', () => {
    for (const text of [base, `${base}\n`, base.replaceAll('\n', '\r\n'), base.replaceAll('\n', '\r')]) {
      expect(make(text)).toBe('fine');
      using v = new Vocabulary(assembly, text);
      expect([v.size, v.unk, v.cls, v.sep, v.pad, v.token(3)]).toEqual([4, 0, 1, 2, 3, '[PAD]']);
      expect(Array.from(v.encode('[MASK]').ids)).toEqual([1, 0, 0, 0, 2]);
    }
  });

  test('is freed, twice if you like, and its memory used again', async () => {
    const own = await createAssembly();
    const round = () => {
      const v = new Vocabulary(own, file);
      v.encode('polyp '.repeat(1000));
      v.dispose();
      v.dispose();
      expect(() => v.encode('a')).toThrow('must not be used after dispose()');
    };
    round();
    const before = own.memoryBytes;
    for (let i = 0; i < 100; i++) round();
    expect(own.memoryBytes).toBe(before);
  });
});

const shared = '../shared';
describe.skipIf(!existsSync(`${shared}/tokenizer`))('published vocabularies (skipped without ../shared)', () => {
  test.each(['bert-base-uncased', 'cxr-bert'])('%s: every recorded case', name => {
    const recorded = JSON.parse(readFileSync(join(shared, 'tokenizer', `${name}.json`), 'utf8'));
    using published = new Vocabulary(assembly, readFileSync(join(shared, recorded.vocab)));
    expect(published.size).toBe(30522);
    expect(recorded.cases.length).toBeGreaterThan(20);
    for (const { text, ids } of recorded.cases)
      expect([text, Array.from(published.encode(text).ids)]).toEqual([text, ids]);
  });
});
