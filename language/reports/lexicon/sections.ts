// Headings of reports, as they are written before a colon or on a line of their own.

/**
 * What a section is to its reader. `findings`: what was seen today. `summary`: says again what was seen, so that it repeats more
 * than it adds. `outside`: why, how and what next; lesions there are those of others, of other days or of a plan. `attribute`: a
 * field of the lesion before it. `correction`: takes back or corrects.
 */
export type SectionKind = 'findings' | 'summary' | 'outside' | 'attribute' | 'correction';

/** Whole headings; the first that fits counts. */
export const SECTIONS: readonly (readonly [SectionKind, RegExp])[] = [
  ['correction', /^(?:addendum|addenda|correction|corrections|amendment|erratum|amended report|corrected report)\b/],
  [
    'summary',
    /^(?:(?:final|overall|my|endoscopic|radiological|main|principal|provisional) )*(?:impressions?|conclusions?|summary|opinion|diagnos[ie]s|assessment|overall|outcome|interpretation|in summary|in conclusion|bottom line|key findings|results? summary|therap(?:y|ies)|interventions?|treatment|procedures? performed|action|actions)\b/,
  ],
  [
    'outside',
    /^(?:(?:the )?(?:last|previous|prior|earlier|index|old|outside) .*$|(?:(?:clinical|past|relevant|medical|surgical|patient|brief|referral|family|drug|main|previous|prior|planned|next|further|technical|other|reason) )*(?:indications?|reasons?|reason for (?:test|exam|examination|study|request|referral|procedure|scan)|history|histories|details|information|background|clinical question|questions?|request|referral|comparisons?(?! (?:with|to)\b)|priors?|previous|technique|technical|equipment|scope|instruments?|devices|devices and settings|settings|sedation|medications?|premedication|an?aesthesia|consent|preparation|bowel preparation|prep|plan|plans|advice|recommendations?|suggestions?|follow up|surveillance|recall|interval|next|next steps?|instructions?|information given|specimens?|samples?|histology|pathology|biops(?:y|ies)|pots?|complications?|tolerance|comfort|allergies|protocol|quality|limitations?|codes?|billing|copies|distribution|signed|background for the pathologist|note to patient|patient information|aftercare|discharge|discharge advice|to do|hx|rfe|exposure|dose|family|social|presenting complaint|complaint|symptoms|known|antithrombotics?|anticoagulants?|anticoagulation)\b)/,
  ],
  [
    'attribute',
    /^(?:(?:lesion|polyp|maximum|max|estimated|number of|paris) )*(?:sizes?|diameters?|location|localisation|localization|site|segment|position|place|shape|morphology|form|colour|paris|paris class(?:ification)?|classification|number|no|count|appearance|surface|position in (?:the )?(?:image|picture)|place in (?:the )?(?:image|picture))(?: of (?:the )?(?:scope|tip|lesion|polyp|image|picture|view))?$/,
  ],
  [
    'findings',
    /^(?:(?:main|endoscopic|radiological|ct|imaging|colonoscopic|detailed|colonoscopy|other|additional|segmental|lung|chest) )*(?:findings?|examinations?|exam|results?|descriptions?|report|details of examination|procedure|observations?|narrative|body of report|lungs?|lungs and pleura|lung parenchyma|parenchyma|airways?|pleura|heart|mediastinum|bones?|lines|lines and tubes|comments?|remarks?|additional remarks|text|note|extent)\b/,
  ],
];
