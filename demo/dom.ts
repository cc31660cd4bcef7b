// Small helpers for the document. Only text goes into it, never markup.

export const element = <E extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as E;

export function node(tag: string, content = '', className = ''): HTMLElement {
  return Object.assign(document.createElement(tag), { textContent: content, className });
}

export function button(content: string, onClick: () => void): HTMLButtonElement {
  const made = Object.assign(document.createElement('button'), { type: 'button', textContent: content });
  made.addEventListener('click', onClick);
  return made;
}

/** Writes a text only where it differs: what is read aloud is read once. */
export function write(place: HTMLElement, text: string): void {
  if (place.textContent !== text) place.textContent = text;
}

/** Messages begin in lower case; this makes a sentence of one. */
export const sentenceOf = (message: string) =>
  `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? '' : '.'}`;

/** A span of time as people say it. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

export const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Saves a file to where the browser saves. */
export function download(content: Blob, name: string): void {
  const href = URL.createObjectURL(content);
  const link = Object.assign(document.createElement('a'), { href, download: name });
  link.click();
  // The browser reads the address after this turn.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
