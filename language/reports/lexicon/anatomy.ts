// Where in the body: patterns over the tokens of a sentence, each with the name that a finding has.

/** The first pattern that fits at a place counts, so finer places come first. */
export const ANATOMY: readonly (readonly [pattern: string, name: string])[] = [
  // bowel
  ['appendi(?:ceal|cular) (?:orifice|opening)', 'appendiceal orifice'],
  ['ileocaecal (?:valve|fold|junction)', 'ileocaecal valve'],
  ['(?:pole of (?:the )?)?(?:caecum|caecal pole)|caecal|caecum', 'caecum'],
  ['hepatic flexure|right (?:colic |colonic )?flexure', 'hepatic flexure'],
  ['splenic flexure|left (?:colic |colonic )?flexure', 'splenic flexure'],
  [
    'recto ?sigmoid junction|junction of (?:the )?(?:rectum and sigmoid|sigmoid and rectum)|recto ?sigmoid',
    'rectosigmoid junction',
  ],
  ['ascending(?: colon| segment)?(?! aorta)', 'ascending colon'],
  ['transverse(?: colon| segment)?(?! process| section| plane| diameter)', 'transverse colon'],
  ['descending(?: colon| segment)?(?! aorta| part| thoracic)', 'descending colon'],
  ['sigmoid(?: colon| segment| loop)?', 'sigmoid colon'],
  [
    '(?:lower |upper |middle )?(?:rectum|rectal(?! bleeding| examination| exam| tube| enema| route| symptoms| blood))',
    'rectum',
  ],
  ['anal canal', 'anal canal'],
  ['(?:neo )?terminal ileum|ileum|ileal', 'terminal ileum'],
  ['(?:ileo ?colonic|ileo ?colic|colo ?rectal|colo ?colonic|surgical) anastomosis|anastomosis', 'anastomosis'],
  ['left (?:hemi ?)?colon|left side of (?:the )?colon|left sided colon', 'left colon'],
  ['right (?:hemi ?)?colon|right side of (?:the )?colon|right sided colon', 'right colon'],
  // stomach and gullet
  ['gastro ?oesophageal junction|oesophago ?gastric junction', 'gastro-oesophageal junction'],
  [
    '(?:gastric |stomach )?antrum|antral|antrum of (?:the )?stomach|pre ?pyloric (?:antrum|region|area)',
    'gastric antrum',
  ],
  [
    'gastric body|body of (?:the )?stomach|stomach body|(?:gastric )?corpus|(?<=(?:fundus|antrum|and|,|:)(?: x \\d+ ,)? )body(?= (?:and|,|x \\d|\\())|body(?= and (?:fundus|antrum))|body(?= of \\d| with \\d| ?:)|(?<=\\b(?:in|at|on|of) the )(?:upper |lower |middle )?body(?! of (?!the stomach))',
    'gastric body',
  ],
  ['gastric fundus|fundus of (?:the )?stomach|(?<!pouch )fundus', 'gastric fundus'],
  ['gastric cardia|cardia', 'gastric cardia'],
  ['incisura(?: angularis)?', 'incisura'],
  ['pylorus|pyloric (?:canal|ring)', 'pylorus'],
  ['duodenal (?:bulb|cap)|bulb of (?:the )?duodenum|(?<=\\bthe )bulb', 'duodenal bulb'],
  ['(?:second|third|fourth|descending) (?:part|portion) of (?:the )?duodenum', 'second part of duodenum'],
  ['(?:first part of (?:the )?)?(?:duodenum|duodenal)(?! ulcer)', 'duodenum'],
  ['stomach|gastric', 'stomach'],
  ['oesophagus|oesophageal', 'oesophagus'],
  ['colon|colonic|large bowel', 'colon'],
];

/** Places that hold others: a lesion in the one may be the lesion in the other, and the finer name is the better one. */
export const HOLDS: Readonly<Record<string, readonly string[]>> = {
  colon: [
    ...['appendiceal orifice', 'ileocaecal valve', 'caecum', 'hepatic flexure', 'splenic flexure', 'ascending colon'],
    ...[
      'transverse colon',
      'descending colon',
      'sigmoid colon',
      'rectosigmoid junction',
      'left colon',
      'right colon',
      'rectum',
    ],
  ],
  'left colon': ['splenic flexure', 'descending colon', 'sigmoid colon', 'rectosigmoid junction'],
  'right colon': ['caecum', 'ascending colon', 'hepatic flexure', 'ileocaecal valve', 'appendiceal orifice'],
  'sigmoid colon': ['rectosigmoid junction'],
  rectum: ['rectosigmoid junction'],
  caecum: ['appendiceal orifice', 'ileocaecal valve'],
  stomach: ['gastric antrum', 'gastric body', 'gastric fundus', 'gastric cardia', 'incisura', 'pylorus'],
  duodenum: ['duodenal bulb', 'second part of duodenum'],
  'left upper lobe': ['lingula'],
};

/** Before a place: the lesion is not in it but beside it. */
export const BESIDE =
  /\b(?:distal|proximal|near|close|adjacent|next|opposite|opposed|contralateral|beside|beyond|above|below|past|between|behind|(?:cm|mm|away|far|distance) from|extending|extends|reaching|involving|involves|touching|towards?|abutting|sparing|spares|than)(?: just)?(?: to| into| the| of| from)*$/;
