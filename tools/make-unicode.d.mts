export const PLAIN: 0;
export const DROP: 1;
export const SPACE: 2;
export const PUNCTUATION: 3;
export function classify(codePoint: number): 0 | 1 | 2 | 3;
export function fold(codePoint: number): number[];
