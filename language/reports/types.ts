// What a routine report is read into. The keys are those of the JSON of `tmca read-report`.

/** What a finding is: a polyp or a polyp-like lesion; an infection of the lung or what looks like one. */
export type FindingKind = 'polyp' | 'infection';

export type SizeWord = 'tiny' | 'small' | 'medium' | 'large';

/** `[start, end)` in Unicode code points of the text, as slices of Python count them. */
export type Span = readonly [start: number, end: number];

/** One lesion, or one group of lesions that the report describes alike at one place. */
export interface Finding {
  readonly kind: FindingKind;
  /** At least 1: the number that is said, or the least that the words need. */
  readonly count: number;
  /** The word that the report has for the size; null if it has none. */
  readonly size: SizeWord | null;
  /** The largest diameter said, in millimetres. */
  readonly size_mm: number | null;
  readonly colour: string | null;
  /** The word said, or the word for a code of the Paris classification; two shapes are joined by a comma. */
  readonly shape: string | null;
  /** Endoscopy: a position in the picture, such as `upper left`. Chest: such as `lower left lung`; sides are the patient's. */
  readonly place_in_image: string | null;
  /** Where in the body, such as `sigmoid colon` or `right lower lobe`. A picture does not show it, so no prompt has it. */
  readonly anatomy: string | null;
  /** False where the report doubts that there is a lesion. */
  readonly certain: boolean;
  /** The words that the finding comes from. */
  readonly evidence: readonly Span[];
}

/** What `readReport` gives: the findings in the order of the text, and for each the sentence to segment it with. */
export interface RoutineReport {
  readonly findings: readonly Finding[];
  readonly prompts: readonly string[];
}
