// Words that change what a lesion's mention says, after NegEx (Chapman 2001) and ConText (Harkema 2009): each trigger has an
// effect and a direction in which it reaches, up to the end of its clause or to a word that ends it.

/** `current`: there still. `done`: dealt with today; outweighs "previous", but not "two years ago". */
export type Effect = 'negated' | 'historical' | 'elsewhere' | 'uncertain' | 'current' | 'done';

export interface Trigger {
  readonly effect: Effect;
  /** `after`: lesions that follow. `phrase`: the one whose adjective it is. `before`: lesions that precede. `clause`: all. */
  readonly reach: 'after' | 'phrase' | 'before' | 'clause';
  readonly pattern: string;
}

const SEEN =
  '(?:seen|found|identified|detected|present|evident|demonstrated|shown|noted|visible|appreciated|observed|encountered|recorded|located|apparent|recognised|recognized|discovered|confirmed|reproduced|made out|spotted|picked up|there)';
const BE = '(?:is|are|was|were|be|been|being)';
const TIME = '(?:years?|months?|weeks?|days?)';
const EXAM =
  '(?:colonoscop(?:y|ies)|endoscop(?:y|ies)|gastroscop(?:y|ies)|examinations?|exam|test|scan|film|radiograph|x ray|study|studies|ct|cxr|image|imaging|report|occasion|visit|admission|screening|sigmoidoscopy|procedure|check)';

/** The longest trigger at a place counts, so that "cannot be excluded" is no negation. */
export const TRIGGERS: readonly Trigger[] = [
  // denied
  {
    effect: 'negated',
    reach: 'after',
    pattern: `(?:no(?! (?:bigger|larger|more|greater|longer than)\\b)|not any|without|nor|neither|free (?:of|from)|clear of|negative for|absence of|lack of|never|zero|denies|none of the|not an?|rather than|instead of|exclud(?:es|ing)|rul(?:es|ing|ed) out|no longer(?: an?y?)?|no (?:convincing |definite |clear |further |other |obvious |radiological |current )*(?:evidence|signs?|suggestion|suspicion|trace|indication|features)(?: ${BE})?(?: ${SEEN})? (?:of|for)|(?:did|does|do|could|can|has|have) (?:not|never) (?:see|find|show|reveal|identify|detect|demonstrate|confirm|reproduce|locate|appreciate|recognise|recognize|have|contain|come across|note|visualise|spot|seen|found|shown|revealed)(?: any)?|failed to (?:show|reveal|find|identify|demonstrate)|cannot see|cannot find)`,
  },
  {
    effect: 'negated',
    reach: 'before',
    pattern: `(?:(?:(?:${BE}|has been|have been|had been|could be|can be|do|did) )?(?:not|never|no longer|nowhere)(?: \\w+){0,2}? ${SEEN}|cannot (?:now )?be ${SEEN}|absent|${BE} (?:now )?(?:excluded|ruled out|gone)|(?:has|have|had)(?: since| now| completely| fully| entirely| all| almost| nearly| both| also)* (?:resolved|cleared|disappeared|gone|healed)|fully resolved|completely resolved|resolved|cleared|none(?! (?:bigger|larger|greater|more|over|exceed|above|of|was|were|had))(?: ${SEEN})?|: (?:0|no|none)(?= [.;]|$)|unlikely|washed (?:away|off)|(?:considered|thought|suspected)(?: and| but)* (?:excluded|rejected|dismissed))`,
  },
  { effect: 'negated', reach: 'phrase', pattern: '(?:now |fully |completely |largely )?(?:resolved|cleared|healed)' },
  // of another day
  {
    effect: 'historical',
    reach: 'phrase',
    pattern: `(?:previous|prior|former|old|past|earlier|known|healed|(?:previously|formerly|earlier|already) (?:${SEEN}|described|reported|removed|resected|treated|known|documented|mentioned|biopsied|diagnosed))`,
  },
  {
    effect: 'historical',
    reach: 'after',
    pattern: `(?:history of|background of|status post|(?:has|have|had) had|${TIME} (?:after|following|since|post|from)|(?:after|following|since|post) (?:(?!a |an |the )\\w+ ){0,4}?(?:resection|removal|polypectomy|emr|esd|excision|treatment|therapy|episode|course|admission|care|bout|case)(?: of| for)|treat(?:ed|ment) (?:for|of)|follow up (?:of|after|for)|(?:recovery|recovered|recovering) from|surveillance (?:of|after|for)|(?:presented|admitted|hospitalised|seen|ill) with)`,
  },
  {
    effect: 'historical',
    reach: 'clause',
    pattern: `(?:(?:\\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|some|several|many|few)(?: to \\w+)? ${TIME} (?:ago|before|earlier|previously|prior)|in (?:19|20)\\d\\d|(?:the )?last (?:year|month|week|winter|spring|summer|autumn|time|${EXAM})|(?:at|on|during|in|from) (?:the |his |her |an? |their )*(?:last|previous|prior|earlier|index|first|initial|baseline|old|outside|referring)(?: \\w+)? ${EXAM}|(?:done|performed|removed|seen) elsewhere|(?:at|in|by|from) (?:an? |the )?(?:other|another|outside|referring|local) (?:hospital|clinic|centre|institution)|(?:the )?(?:ct|ct colonography|colonography|barium enema|capsule|pet|pet ct|mri|referral|letter|gp)(?: report| study| scan)?(?: had| has)? (?:described|suggested|reported|raised|mentioned|queried)|(?:on|at|by|in) (?:the |a )?(?:ct colonography|colonography|barium enema|capsule|capsule endoscopy|pet ct|pet)|in the past|in childhood|reported on admission|history)`,
  },
  // of other people, plans, questions, samples
  {
    effect: 'elsewhere',
    reach: 'clause',
    pattern:
      '(?:family history|(?:his|her|the patient|patient) ?(?:mother|father|brother|sister|siblings?|parents?|son|daughter|uncle|aunt|relatives?|grand\\w+)|(?:mother|father|brother|sister|sibling|first degree relative|relatives?|in the family)|(?:could|may|might|can)(?: easily| well| still)* (?:be|have been) (?:missed|overlooked|hidden)|whether|in case|should new|if|unless|leaflet|would|will be|to prevent|to look for|looking for|in search of|to exclude|to rule out|rule out|in order to|to detect|risk of|at risk|screening for|screen for|to monitor|guidelines?|asked|worried|concerned that|query (?:from|of)|referrer|(?:patient|he|she|family) (?:says|said|reports|reported|states|stated|mentions|mentioned|recalls|believes)|thank(?:s| you) for|referred (?:for|with|because|after|by)|sent (?:for|because|with|by)|presents? with|presented with|await\\w*|pending|histology to|pathology to|sent for histology|provided that|vaccin\\w+|miss rate|should not be mistaken|for comparison)',
  },
  // doubted
  {
    effect: 'uncertain',
    reach: 'after',
    pattern:
      '(?:possible|possibly|probable|probably|suspected|suspicious for|suspicion of|suspicion for|questionable|question of|query|equivocal|likely|potential|perhaps|maybe|(?:may|might|could|can) (?:be|represent|reflect|indicate|correspond to|suggest|also be|well be)|suggestion of|suggestive of|suggests|suggesting|apparent|presumed|presumptive|doubtful|vague|what (?:may|might|could|looks|seems|appears)(?: be| like| to be)*|resembling|resembles|looks like|looked like|(?:cannot|could not|can not) (?:entirely |completely |safely |reliably |fully |confidently )*(?:exclude|rule out)|(?:un)?able to exclude|(?:not|im)(?: be)? ?possible to (?:exclude|rule out)|impossible to (?:exclude|rule out)|difficult to exclude|does not exclude|not exclude|raises? (?:the )?(?:possibility|question|suspicion) of|(?:the )?possibility of|concern(?:ing)? for|worrisome for|seems? to be|appears? to be|seems like|hint of|uncertain|indeterminate|differential includes)',
  },
  {
    effect: 'uncertain',
    reach: 'before',
    pattern: `(?:(?:cannot|could not|can not|not)(?: be)?(?: entirely| completely| safely| reliably| fully| confidently| definitely| with certainty)* (?:excluded|ruled out|confirmed|certain|definite)|(?:cannot|could not) (?:entirely )?be (?:excluded|ruled out)|not (?:entirely |completely |safely |fully )*excluded|${BE} (?:possible|suspected|questionable|uncertain|doubtful|equivocal|in doubt|likely|probable|not certain|not clear|unclear|conceivable|unconfirmed)|remains? (?:possible|uncertain|doubtful|unconfirmed|a possibility|equivocal)|(?:is|remains) a possibility|difficult to exclude|hard to exclude|impossible to exclude|(?:would|could|can|may|might) (?:well )?(?:look the same|look similar|mimic|appear the same|look alike|give the same|have the same|be mistaken|simulate|produce the same|look like this|be responsible|account for|explain|(?:give|produce|cause|create) (?:this|the|a similar|such an?) (?:appearance|picture|impression|look))|\\?|query(?= [).;]|$)|(?:which |that )?(?:may|might|could) (?:also |well |just |only |equally |simply )*be|to be confirmed|needs? confirmation|should (?:also )?be considered|(?:cannot|could not) be (?:told|distinguished|separated|differentiated) from)`,
  },
  // there still
  {
    effect: 'current',
    reach: 'clause',
    pattern:
      '(?:unchanged|persists?|persist(?:ed|ing|ent)|still|again|remains?(?! to be)|remaining|stable|increas(?:ed|ing)|decreas(?:ed|ing)|progress(?:ed|ing|ion)?|improv(?:ed|ing|ement)|smaller|(?<!the )larger|residual|incomplete(?:ly)?(?: resolved| cleared)?|part(?:ial|ially|ly)?(?: resolved| cleared)?|grown|growing|worse(?:ned|ning)?|extended|spread further|new since|now measur\\w+|not(?: yet| fully| completely| entirely)+ (?:resolved|cleared)|has not (?:resolved|cleared|changed)|have not (?:resolved|cleared|changed)|less dense|more dense|more extensive|less extensive|as before|re ?found|re ?identified|found as described|(?:now|today)(?: measur\\w+)?(?: about)? \\d)',
  },
  {
    effect: 'done',
    reach: 'clause',
    pattern:
      '(?:now|today|(?:is|are|was|were)(?: also| again| then| now)? (?:found|seen|located|identified|removed|resected|taken|present|visible|lifted|snared|biopsied))',
  },
];

/** After "no polyps", what follows these is not denied. */
export const EXCEPT =
  /\b(?:apart from|except|except for|other than|besides|aside from|save|save for|but|however|although|though|only|beyond|in addition to|bar)\b/;

/** Where a clause ends. */
export const CLAUSE_END =
  /;| -- | but | however | although | though | whereas | while (?!\w+ing)|(?:,| and) (?:which|where|there (?:is|are|was|were)|who)\b|: (?!(?:0|no|none)\b)| where /g;

/** Links between a lesion and its cause. `firm`: the report says so; `open`: it may be so. */
export const CAUSE: Readonly<Record<'firm' | 'open', string>> = {
  firm: '(?:(?:in keeping|consistent|compatible|keeping) with|represent(?:s|ing|ed)|reflect(?:s|ing)|due to|secondary to|caused by|explained by|attribut(?:ed|able) to|typical (?:of|for)|characteristic of|(?:proved|turned out|shown|found|confirmed|considered|judged|felt|thought|believed|known|seen|established) to be|(?:most )?(?:likely|probably)(?: to)?(?: be| represents?| reflects?| due to)?|(?:is|are|was|were)(?: in fact| actually| only| just| merely| simply| therefore| really)*(?: an?| the)?|diagnostic of|suggest(?:s|ing|ive) (?:of )?|favou?r(?:s|ing|ed)|interpreted as|regarded as|recognised as|identified as|explained as)',
  open: '(?:(?:may|might|could|can) (?:be|represent|reflect|be due to|also be|well be|simply be|just be)|possibly|perhaps|versus|or|and/or|/|query|differential|cannot be distinguished from|indistinguishable from)',
};

/** Without a lesion of its own, a sentence that starts with these speaks of the lesion before it. */
export const ANAPHOR =
  /^(?:(?:on|after|with|at|in|under|during|following) [\w ]{1,40}?,? )?(?:it|they|both|all(?: of (?:them|which))?|all (?:two|three|four|five|six)|this|these|that|those|each|its|their|the (?:lesions?|former|latter|larger|largest|area|areas|finding|findings|abnormality|two|three|four|changes?|appearances?|structure|same|biggest))\b/;

/** The lesion before it was none. */
export const RECANT =
  /^(?:-- )?no ,|\b(?:washed (?:away|off|out)|rinsed (?:away|off)|flushed (?:away|off)|suctioned (?:away|off)|wiped (?:away|off)|disappear(?:ed|s)|vanish(?:ed|es)|(?:went|goes) away|(?:was|were|is|are) (?:then |later |subsequently |therefore )*(?:not confirmed|gone|dismissed|discarded|discounted|refuted|excluded|disproved)|could not be (?:confirmed|reproduced|found again|seen again|refound)|not reproduc\w+|false (?:alarm|positive)|in error|by mistake|erroneous(?:ly)?|should be disregarded|is withdrawn|are withdrawn|retracted|another patient|wrong patient|template|does not apply|not a (?:true|real) (?:polyp|lesion|opacity|consolidation)|no (?:true|real|such) (?:polyp|lesion|opacity|consolidation))\b/;
