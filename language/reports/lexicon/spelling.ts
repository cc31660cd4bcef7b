// One spelling for each word: abbreviations spelt out, American words as British ones, and slips of the pen mended.

/** Whatever its case. The values are in lower case, and may have several words. */
export const ABBREVIATIONS: Readonly<Record<string, string>> = {
  // places in the body
  lul: 'left upper lobe',
  lll: 'left lower lobe',
  rul: 'right upper lobe',
  rml: 'right middle lobe',
  rll: 'right lower lobe',
  luz: 'left upper zone',
  lmz: 'left middle zone',
  llz: 'left lower zone',
  ruz: 'right upper zone',
  rmz: 'right middle zone',
  rlz: 'right lower zone',
  rt: 'right',
  lt: 'left',
  asc: 'ascending',
  desc: 'descending',
  transv: 'transverse',
  trans: 'transverse',
  sig: 'sigmoid',
  caec: 'caecum',
  rectosig: 'rectosigmoid',
  icv: 'ileocaecal valve',
  rsj: 'rectosigmoid junction',
  goj: 'gastro oesophageal junction',
  gej: 'gastro oesophageal junction',
  bilat: 'bilateral',
  'b/l': 'bilateral',
  // lesions
  ggo: 'ground glass opacity',
  ggos: 'ground glass opacities',
  groundglass: 'ground glass',
  consol: 'consolidation',
  infil: 'infiltrate',
  pna: 'pneumonia',
  lst: 'laterally spreading lesion',
  lsts: 'laterally spreading lesions',
  ssl: 'sessile serrated lesion',
  ssls: 'sessile serrated lesions',
  ssp: 'sessile serrated polyp',
  dim: 'diminutive',
  pedunc: 'pedunculated',
  ptx: 'pneumothorax',
  tics: 'diverticula',
  // what is said of them
  hx: 'history',
  pmh: 'history',
  phx: 'history',
  fhx: 'family history',
  fh: 'family history',
  prev: 'previous',
  poss: 'possible',
  prob: 'probable',
  susp: 'suspected',
  approx: 'about',
  aprox: 'about',
  approximately: 'about',
  circa: 'about',
  roughly: 'about',
  ca: 'about',
  diam: 'diameter',
  neg: 'negative',
  nad: 'normal',
  nil: 'none',
  vs: 'versus',
  'w/': 'with',
  'w/o': 'without',
  's/p': 'status post',
  'h/o': 'history of',
  'c/o': 'complains of',
  'c/w': 'consistent with',
  'i/k/w': 'in keeping with',
  ikw: 'in keeping with',
  'r/o': 'rule out',
  'f/u': 'follow up',
  imp: 'impression',
  concl: 'conclusion',
  '&': 'and',
};

/** Only as they stand here: in lower case they are other words. */
export const CAPITALS: Readonly<Record<string, string>> = {
  TI: 'terminal ileum',
  HF: 'hepatic flexure',
  SF: 'splenic flexure',
  AC: 'ascending colon',
  TC: 'transverse colon',
  DC: 'descending colon',
  SC: 'sigmoid colon',
  D1: 'first part of the duodenum',
  D2: 'second part of the duodenum',
  R: 'right',
  L: 'left',
  Is: 'paris_is',
  Ip: 'paris_ip',
  Isp: 'paris_isp',
  IIa: 'paris_iia',
  IIb: 'paris_iib',
  IIc: 'paris_iic',
};

/** American words, plurals of Latin and other spellings, as the tables of the lexicon have them. */
export const VARIANTS: Readonly<Record<string, string>> = {
  cecum: 'caecum',
  coecum: 'caecum',
  cecal: 'caecal',
  ileocecal: 'ileocaecal',
  esophagus: 'oesophagus',
  esophageal: 'oesophageal',
  esophagitis: 'oesophagitis',
  edema: 'oedema',
  hemorrhage: 'haemorrhage',
  hemorrhoids: 'haemorrhoids',
  piles: 'haemorrhoids',
  feces: 'faeces',
  fecal: 'faecal',
  tumor: 'tumour',
  tumors: 'tumours',
  artifact: 'artefact',
  artifacts: 'artefacts',
  color: 'colour',
  colored: 'coloured',
  gray: 'grey',
  grayish: 'greyish',
  center: 'centre',
  centrally: 'centre',
  mid: 'middle',
  millimetre: 'mm',
  millimetres: 'mm',
  millimeter: 'mm',
  millimeters: 'mm',
  mms: 'mm',
  centimetre: 'cm',
  centimetres: 'cm',
  centimeter: 'cm',
  centimeters: 'cm',
  cms: 'cm',
  subpedunculated: 'semi pedunculated',
  semipedunculated: 'semi pedunculated',
  ovoid: 'oval',
  rounded: 'round',
  roundish: 'round',
  wedgeshaped: 'wedge shaped',
  polp: 'polyp',
  polps: 'polyps',
  poly: 'polyp',
  cant: 'cannot',
  "can't": 'cannot',
  "couldn't": 'could not',
  "didn't": 'did not',
  "isn't": 'is not',
  "wasn't": 'was not',
  "weren't": 'were not',
  "doesn't": 'does not',
  favoured: 'favoured',
  favored: 'favoured',
  favors: 'favours',
  favor: 'favour',
  favouring: 'favouring',
  favoring: 'favouring',
  stabile: 'stable',
  airspace: 'air space',
  bandlike: 'band like',
  visualised: 'seen',
  visualized: 'seen',
  generalized: 'generalised',
  localized: 'localised',
};

/** Words that are worth mending where they are misspelt. */
export const MENDABLE: readonly string[] = (
  'polyp polyps polypoid adenoma adenomas lesion lesions sessile pedunculated lobulated diminutive whitish reddish ' +
  'yellowish pinkish caecum caecal ascending descending transverse sigmoid rectum rectal flexure hepatic splenic antrum antral ' +
  'duodenum duodenal gastric stomach oesophagus consolidation consolidations consolidative opacity opacities opacification ' +
  'infiltrate infiltrates infiltration pneumonia pneumonitis infection shadowing bilateral ground possible probable suspected ' +
  'excluded previous previously history colonoscopy haemorrhoids diverticula diverticulum rectosigmoid ' +
  'unchanged resolved impression conclusion findings measuring atelectasis effusion evidence ' +
  'spreading laterally serrated'
).split(' ');

/** Right words that stand one or two letters from one of the above. */
export const SOUND: readonly string[] = (
  'injection inflection infections infected infecting infective infectious resection reflection detection direction inspection polypectomy ' +
  'polyposis polypus adenomatous adenocarcinoma ascended descended transversely consolidated consolidating infiltrated infiltrating ' +
  'sections lesional legion session sessions excludes exclude include included resolve resolves resolving dissolved probably possibly ' +
  'suspect suspects suspicion historic historical evident identify identifies conclusions impressions indications finding ' +
  'grounds around bounds pneumonic opacified opacify bilaterally sigmoidoscopy rectally gastritis duodenitis antritis stomachs caecostomy ' +
  'measures measured effusions diverticular diverticulosis diverticulitis precious spreads spread latterly literally colonoscope colonoscopies ' +
  'inflections transversal diminution lesson lessons imprecision descendant descendants consolidate consolidates resolver astral insertion insertions intention flexural adenoid flexures flexible splenium hepatitis effusive'
).split(' ');
