// What lesions are called: those that findings are made of, those that only look like them, and what else has a size.

import type { FindingKind } from '../types.js';

/**
 * `lesion`: says that something was seen. `diagnosis`: says what it is, so after a lesion it is no second one. `generic`: a finding
 * only with a shape of the Paris classification beside it, or after a lesion that it means.
 */
export type HeadRole = 'lesion' | 'diagnosis' | 'generic';

export interface HeadRule {
  readonly kind: FindingKind;
  readonly role: HeadRole;
  readonly pattern: string;
}

const GLASS =
  '(?:opacity|opacities|opacification|densit(?:y|ies)|changes?|attenuation|shadowing|infiltrates?|appearances?|pattern|areas?|foc(?:us|i)|patch(?:es)?|lesions?|haze|haziness|consolidation)';

/** A word that makes another noun of the lesion's: "polyp surveillance" sees no polyp. */
const NO_COMPOUND =
  '(?! (?:surveillance|detection|clinic|programme|program|history|risk|rate|guidelines?|leaflet|syndrome|follow|checks?|screening|pathway|vaccin\\w+|control|markers?|parameters|screen|prophylaxis|protocol|retrieval|trap|sites?|scar|base|stump|resection|removal|free)\\b)';

export const HEADS: readonly HeadRule[] = [
  {
    kind: 'polyp',
    role: 'lesion',
    pattern: `(?:(?:(?:pseudo|post inflammatory|tubular|tubulovillous|villous|hyperplastic|inflammatory|adenomatous|fundic gland|hamartomatous|juvenile|serrated) )*(?:polyps?|pseudopolyps?|adenomas?)|laterally? spreading (?:type )?(?:lesions?|tumours?|adenomas?|polyps?)|polypoid (?:lesions?|mass|masses|growths?|tumours?|nodules?|structures?|areas?|swellings?|projections?|protrusions?)|(?:traditional )?serrated lesions?)${NO_COMPOUND}`,
  },
  { kind: 'polyp', role: 'generic', pattern: '(?:lesions?|growths?|protrusions?)(?! of interest)' },
  {
    kind: 'infection',
    role: 'lesion',
    pattern: `(?:ground glass(?: ${GLASS})*|consolidations?|consolidative (?:changes?|opacity|opacities|shadowing|areas?|process|foc(?:us|i))|air space (?:opacity|opacities|opacification|shadowing|shadows?|disease|changes?|consolidation|filling|infiltrates?|process)|alveolar (?:opacity|opacities|opacification|shadowing|infiltrates?)|(?:infiltrates?|infiltration|opacity|opacities|opacification|shadowing)|(?:patchy|hazy|focal|inflammatory|infective|ill defined) shadows?|(?:infective|infectious|inflammatory|pneumonic) (?:changes?|foc(?:us|i)|process(?:es)?|infiltrates?|shadowing|opacity|opacities|consolidation|lesions?|areas?))`,
  },
  {
    kind: 'infection',
    role: 'diagnosis',
    pattern: `(?:(?:lobar|broncho|viral|bacterial|fungal|atypical|covid|covid 19|community acquired|hospital acquired|organising|aspiration|early|round|pulmonary|chest|lung|respiratory tract|lower respiratory tract|ventilator associated|acute|active|multifocal|severe|pneumocystis|mycoplasma|aspergillus) )*(?:pneumonias?|bronchopneumonia|pneumonitis|infections?)${NO_COMPOUND}`,
  },
  {
    kind: 'infection',
    role: 'generic',
    pattern: '(?:densit(?:y|ies)|abnormalit(?:y|ies)|lesions?|haziness|changes)(?! of (?:bone|age))',
  },
];

/** Words that make a shadow in the lungs another thing: bands, nodules, what the heart or the breast casts. */
export const NOT_INFECTION =
  /\b(?:linear|band like|plate like|platelike|discoid|strand like|stranding|reticular|reticulonodular|nodular|calcified|pleural|contrast|mass like|fibrotic|tubular|rounded mass|spiculated|cardiac|heart|breast|nipple|soft tissue|mediastinal|hilar|bone|bony|sclerotic|urinary|urine|wound|skin|line|sinus|ear|bladder|catheter|abdominal|throat|pylori|helicobacter)(?: \w+)?$/;

/** Other things that have a size, a colour or a place of their own. What is said after them is said of them. */
export const OTHER_LESIONS =
  '(?:ulcers?|ulceration|erosions?|lipomas?|diverticul(?:um|a|osis)|diverticular disease|haemorrhoids?|scars?|scarring|folds?|fissures?|hernias?|stricture|strictures|cancers?|carcinoma|adenocarcinoma|masses|mass(?! lesion)|tumours?|nodules?|granulomas?|cysts?|nodes?|effusions?|atelectas[ie]s|collapse|bands?|emphysema|oedema|wall thickening|thickening|bronchiectasis|fractures?|pneumothorax|pneumomediastinum|stones?|gallstones|spleen|liver|aorta|trunk|vertebra\\w*|ribs?|biops(?:y|ies)|reflections?|fluid|bubbles?|mucus|stool|debris|blood|clots?|erythema|redness|oesophagitis|gastritis|colitis|angiodysplasias?|angioectasias?|telangiectas\\w+|varix|varices|tattoo|tags?|papilla|defects?|margins?|lymphoid follicles?|inflammation|vessels?|linear opacit(?:y|ies)|cavit(?:y|ies)|ducts?|prostate|kidney|heart|hila|hilum|bronchi|bronchus|septal lines|pieces?|fragments?|mucosa|specimens?|aneurysm|thyroid|adrenals?|bones?|orifice of|lumen|light)';

/** Instruments and drugs: the size before them is theirs, what comes after is not. */
export const INSTRUMENTS =
  '(?:snares?|clips?|endoclips?|forceps|needles?|caps?|nets?|scopes?|endoscopes?|colonoscopes?|gastroscopes?|loops?|balloons?|catheters?|tubes?|lines?|drains?|slices?|collimation|sections?|injections?|saline|adrenaline|tip of (?:the )?(?:tube|line)|aspirat\\w+|probes?)';

/** What a picture may show in place of a polyp or of an infection, and what explains it. */
export const INNOCENT: Readonly<Record<FindingKind, string>> = {
  polyp:
    '(?:folds?|artefacts?|stool|faec\\w+|mucus|mucosal tags?|bubbles?|debris|food|residue|seeds?|tablets?|diverticul\\w+|lipomas?|suction|prominent|varix|varices|veins?|lymphoid|follicles?|tattoo|clips?|papillae?|normal|cancers?|carcinomas?|ulcers?|scars?|granulation|reflections?|blood clots?|clots?|haustr\\w+|shadows?|external compression|compression|oedema)',
  infection:
    '(?:atelecta\\w+|collapse|(?:pulmonary )?oedema|heart failure|cardiac failure|fluid overload|fluid|effusions?|scars?|scarring|fibrosis|fibrotic|contusions?|haemorrhage|infarct\\w*|tumours?|malignan\\w+|cancers?|carcinomas?|neoplas\\w+|metast\\w+|lymphoma|masses|mass|overlap\\w*|overlying|superimpos\\w+|summation|artefact\\w*|rotation|nipples?|skin folds?|breast|dependent|hypoventilation|underinflation|poor inspiration|fat pads?|vessels?|vascular|crowding|motion|expiration|thymus|thymic|radiotherapy|radiation|air trapping|drug\\w*|soft tissue\\w*|prominent|sarcoid\\w*|alveolitis|normal|hiatus hernia|hiatal hernia|hernia|eventration|pleural thickening|mucus plug\\w*|bronchiectasis|haemothorax)',
};

/** What makes an opacity an infection after all. */
export const INFECTIVE =
  '(?:infect\\w+|pneumoni\\w+|bronchopneumonia|covid\\w*|viral|bacterial|fungal|tubercul\\w+|inflammat\\w+|consolidation|aspiration|sepsis|septic)';
