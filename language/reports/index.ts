// Routine reports to findings and prompts: English text in, no model and no network.

export { promptOf } from './prompts.js';
export { LONGEST_REPORT, promptsOf, readReport } from './read.js';
export type { Finding, FindingKind, RoutineReport, SizeWord, Span } from './types.js';
