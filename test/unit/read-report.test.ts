// Routine reports to findings: whole reports, single rules, and whatever else a text may be.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LONGEST_REPORT, promptsOf, readReport } from '../../language/index.js';

import { ownReports, saysOf, sharedReports, sorted } from './routine-reports.js';

describe('whole reports', () => {
  test.each(ownReports)('$id', ({ text, findings }) => {
    expect(sorted(readReport(text).findings)).toEqual(sorted(findings));
  });

  test.skipIf(sharedReports.length === 0)(
    'nine of ten of ../shared/reports are wholly right, and none is invented',
    () => {
      const wrong = sharedReports.filter(
        ({ text, findings }) => JSON.stringify(sorted(readReport(text).findings)) !== JSON.stringify(sorted(findings)),
      );
      expect(wrong.length).toBeLessThanOrEqual(sharedReports.length / 10);
      const healthy = sharedReports.filter(({ findings }) => findings.length === 0);
      expect(healthy.filter(({ text }) => readReport(text).findings.length > 0)).toEqual([]);
    },
  );
});

/** What is said of the only finding. */
const only = (text: string) => {
  const { findings } = readReport(text);
  expect(findings).toHaveLength(1);
  return saysOf(findings[0]!);
};

describe('no finding', () => {
  test.each([
    'No polyp.',
    'No polyps, ulcers or masses.',
    'Polyps: none.',
    'There was no evidence of any polyp in the sigmoid colon.',
    'Polyps were not seen.',
    'The colon is free of polyps.',
    'Neither polyps nor diverticula were found.',
    'We did not find any polyps.',
    'Previous polypectomy in the sigmoid colon.',
    'A 15 mm polyp was removed from the caecum two years ago.',
    'Colonoscopy for polyp surveillance.',
    'Her mother had polyps in the colon.',
    'Small polyps could be missed with this preparation.',
    'A polyp in the rectum, which proved to be a fold.',
    'The polyp seen on CT colonography could not be found.',
    'Lungs clear. No consolidation, effusion or pneumothorax.',
    'Chest: the pneumonia has resolved.',
    'Chest film: opacity at the left base due to an effusion.',
    'Chest film: linear opacity at the left base, in keeping with atelectasis.',
  ])('%s', text => {
    expect(readReport(text).findings).toEqual([]);
  });
});

describe('a denial ends where something new begins', () => {
  test.each([
    ['No ulcer, but a 4 mm polyp in the caecum.', 'caecum'],
    ['No polyps other than a 3 mm one in the rectum.', 'rectum'],
    ['The caecum has no polyp; there is a polyp in the rectum.', 'rectum'],
    ['Polyp in the rectum, not removed.', 'rectum'],
    ['A polyp in the sigmoid colon. No further polyps.', 'sigmoid colon'],
  ])('%s', (text, anatomy) => {
    expect(only(text)).toMatchObject({ anatomy, certain: true });
  });
});

describe('diameters', () => {
  test.each([
    ['8 mm', 8],
    ['8mm', 8],
    ['8-mm', 8],
    ['1.2 cm', 12],
    ['1,2 cm', 12],
    ['0.5cm', 5],
    ['2-5 mm', 5],
    ['2–5 mm', 5],
    ['35 x 28 mm', 35],
    ['5 × 3 cm', 50],
    ['twelve millimetre', 12],
    ['half a centimetre', 5],
    ['one and a half centimetre', 15],
  ])('a %s polyp', (said, mm) => {
    expect(only(`A ${said} polyp in the rectum.`).size_mm).toBe(mm);
  });
  test.each([
    ['between three and seven millimetres in size', 7],
    ['3, 4 and 6 mm', 6],
    ['none bigger than 4 mm', 4],
    ['the largest 9 mm', 9],
  ])('three polyps in the rectum, %s', (said, mm) => {
    expect(only(`Three polyps in the rectum, ${said}.`)).toMatchObject({ count: 3, size_mm: mm });
  });
  test.each([
    'A polyp at 25 cm, removed.',
    'A polyp in the rectum 5 cm from the anal verge.',
    'A polyp in the rectum, removed with a 10 mm snare.',
    'A polyp in the rectum, beside an ulcer of 12 mm.',
    'A polyp in the rectum; snare 15 mm.',
  ])('no diameter of the polyp: %s', text => {
    expect(only(text).size_mm).toBeNull();
  });
});

describe('counts', () => {
  test.each([
    ['A polyp', 1],
    ['Two polyps', 2],
    ['2x polyps', 2],
    ['Polyps x3', 3],
    ['Polyps (4)', 4],
    ['About ten polyps', 10],
    ['Multiple polyps', 2],
    ['A dozen polyps', 12],
    ['Half a dozen polyps', 6],
    ['A pair of polyps', 2],
  ])('%s', (said, count) => {
    expect(only(`${said} in the rectum.`).count).toBe(count);
  });
});

describe('places', () => {
  test.each([
    ['at the upper left of the image', 'upper left'],
    ['in the bottom right corner', 'lower right'],
    ['in the centre of the picture', 'centre'],
    ["at 9 o'clock", 'left'],
    ['on the right of the frame', 'right'],
  ])('a polyp %s', (said, place) => {
    expect(only(`There is a polyp ${said}.`)).toMatchObject({ place_in_image: place, anatomy: null });
  });
  test('anatomy is no place in the picture, and in no prompt', () => {
    const { findings, prompts } = readReport('A small pink polyp in the left colon.');
    expect(findings[0]).toMatchObject({ anatomy: 'left colon', place_in_image: null });
    expect(prompts).toEqual(['one small pink polyp']);
  });
  test.each([
    ['consolidation in both lower lobes', ['left lower lobe', 'right lower lobe'], [null, null]],
    ['consolidation in the left mid and lower zones', [null, null], ['lower left lung', 'middle left lung']],
    ['bibasal consolidation', [null, null], ['lower left lung', 'lower right lung']],
    ['consolidation in the right upper and left lower lobes', ['left lower lobe', 'right upper lobe'], [null, null]],
    ['consolidation in the lower lobe of the left lung', ['left lower lobe'], [null]],
    ['consolidation in the posterior basal segment of the right lower lobe', ['right lower lobe'], [null]],
    ['bilateral consolidation', [null], ['both lungs']],
  ])('%s', (said, anatomy, places) => {
    const { findings } = readReport(`Chest radiograph. There is ${said}.`);
    expect(findings.map(finding => finding.anatomy).sort()).toEqual(anatomy);
    expect(findings.map(finding => finding.place_in_image).sort()).toEqual(places);
  });
});

describe('shapes', () => {
  test.each([
    ['a polyp, Paris Is', 'sessile'],
    ['a polyp, Paris 0-Ip', 'pedunculated'],
    ['a polyp, Isp', 'semi-pedunculated'],
    ['a flat polyp (Paris IIa)', 'flat'],
    ['a round sessile polyp', 'round, sessile'],
    ['a polyp on a long stalk', 'pedunculated'],
    ['a raised polyp', null],
  ])('%s', (said, shape) => {
    expect(only(`Rectum: ${said}.`).shape).toBe(shape);
  });
});

test('parts of a group have its looks and their own places', () => {
  const { findings } = readReport('Two tiny sessile polyps, one in the caecum and the other in the rectum.');
  const said = findings.map(({ count, size, shape, anatomy }) => ({ count, size, shape, anatomy }));
  expect(said).toEqual([
    { count: 1, size: 'tiny', shape: 'sessile', anatomy: 'caecum' },
    { count: 1, size: 'tiny', shape: 'sessile', anatomy: 'rectum' },
  ]);
});

test.each([
  ['A possible small polyp in the rectum.', false],
  ['A small polyp in the rectum cannot be excluded.', false],
  ['? polyp in the rectum.', false],
  ['A polyp or a fold in the rectum.', false],
  ['A polyp in the rectum, probably hyperplastic.', true],
])('certainty: %s', (text, certain) => {
  expect(only(text).certain).toBe(certain);
});

describe('evidence', () => {
  test('counts code points, across line breaks', () => {
    const text = '😀 Report 😀\r\nA 4 mm sessile polyp in the\r\ncecum, removed.';
    const { evidence } = readReport(text).findings[0]!;
    expect(evidence.map(([start, end]) => [...text].slice(start, end).join(''))).toEqual([
      'A 4 mm sessile polyp in the\r\ncecum',
    ]);
  });
  test('has several spans where the words stand apart', () => {
    const text = 'There is a small polyp at the top of the image. Water was used. It lies in the sigmoid colon.';
    const { evidence } = readReport(text).findings[0]!;
    expect(evidence.map(([start, end]) => text.slice(start, end))).toEqual([
      'a small polyp at the top of the image',
      'sigmoid colon',
    ]);
  });
  test('lies within the text and has a word of every finding, in all reports', () => {
    for (const { text } of [...ownReports, ...sharedReports]) {
      const points = [...text];
      for (const { evidence, size_mm } of readReport(text).findings) {
        expect(evidence.length).toBeGreaterThan(0);
        const words = evidence.map(([start, end]) => {
          expect(0 <= start && start < end && end <= points.length).toBe(true);
          return points.slice(start, end).join('');
        });
        if (size_mm !== null) expect(words.join(' ')).toMatch(/mm|cm|met/i);
      }
    }
  });
});

describe('prompts', () => {
  test('say what a picture can show, in the words of captions', () => {
    const text =
      'In the centre of the image there is a large red pedunculated polyp of 25 mm. Two small polyps in the upper left of the image.';
    const report = readReport(text);
    expect(report.prompts).toEqual([
      'one large red pedunculated polyp, located in center of the image',
      'two small polyps, located in top left of the image',
    ]);
    expect(promptsOf(report)).toEqual(report.prompts);
  });
  test('of the lungs name side and zone', () => {
    expect(readReport('CXR: consolidation in the right lower zone. Bilateral ground-glass.').prompts[0]).toBe(
      'unilateral pulmonary infection, one infected area, lower right lung',
    );
    expect(readReport('CT: diffuse ground-glass opacities in both lungs.').prompts).toEqual([
      'bilateral pulmonary infection, two infected areas, left lung and right lung',
    ]);
    expect(readReport('CXR: consolidation in the lingula.').prompts).toEqual([
      'unilateral pulmonary infection, one infected area',
    ]);
  });
});

describe('any text', () => {
  const words = fc.constantFrom(
    ...[
      'polyp',
      'polyps',
      'no',
      'a',
      'two',
      '4 mm',
      'sessile',
      'caecum',
      'in the',
      '.',
      ',',
      ';',
      ':',
      '\n',
      '|',
      '?',
      'or',
      'fold',
    ],
    ...[
      'was',
      'removed',
      'previous',
      'possible',
      'consolidation',
      'left',
      'lower',
      'lobe',
      'both',
      '(',
      ')',
      '-',
      '1.',
      'Is',
      'the other',
    ],
  );
  test('gives findings that are whole, and one prompt for each', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ minLength: 1, unit: 'binary' }), fc.array(words, { minLength: 1, maxLength: 60 })),
        given => {
          const text = typeof given === 'string' ? given : given.join(' ');
          fc.pre(/\S/.test(text));
          const { findings, prompts } = readReport(text);
          expect(prompts).toHaveLength(findings.length);
          for (const { count, size_mm, evidence } of findings) {
            expect(Number.isInteger(count) && count >= 1).toBe(true);
            expect(size_mm === null || size_mm > 0).toBe(true);
            for (const [start, end] of evidence)
              expect(0 <= start && start < end && end <= [...text].length).toBe(true);
          }
        },
      ),
    );
  });
  test.each([
    ['nothing', '', 'TEXT_EMPTY', /readReport: text must have words/],
    ['spaces', ' \n\t', 'TEXT_EMPTY', /readReport: text must have words/],
    ['no string', undefined, 'BAD_ARGUMENT', /readReport: text must be a string, got undefined/],
    ['a book', 'a'.repeat(LONGEST_REPORT + 1), 'BAD_ARGUMENT', /may have 50000 characters, got 50001/],
  ])('%s is refused', (_, text, code, message) => {
    expect(() => readReport(text as string)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
  test.each(['polyp ', 'possible ', '5 x ', '\n', 'small, ', '- ', 'a', 'right upper lobe and ', 'Caecum: a polyp\n'])(
    'the longest report of %j comes to an end',
    part => {
      const text = part.repeat(Math.floor(LONGEST_REPORT / 10 / part.length));
      if (part.trim() === '') expect(() => readReport(text)).toThrow('must have words');
      else expect(readReport(text).findings.length).toBeLessThan(20);
    },
  );
});
