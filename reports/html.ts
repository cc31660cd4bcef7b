// HTML by template: what is put into it is text and is escaped, unless it is HTML made here. So a sentence, an id or a path of
// a data set can never become markup, and nobody has to remember to see to it.

import { STYLE } from './style.js';

/** Markup. Only `html` makes it. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
}

type Part = Html | string | number | null | undefined | false | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

// Controls (but tab and line breaks) and halves of pairs, which no page may hold, and what turns the direction of writing.
const FORBIDDEN = /(?![\t\n\r])\p{Cc}|\p{Cs}|[\ufffe\uffff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

export const escapeHtml = (text: string): string =>
  text.replace(FORBIDDEN, '\ufffd').replace(/[&<>"']/g, c => ENTITIES[c]!);

function markupOf(part: Part): string {
  if (part instanceof Html) return part.markup;
  if (Array.isArray(part)) return part.map(markupOf).join('');
  return part === null || part === undefined || part === false ? '' : escapeHtml(String(part));
}

/**
 * Attribute values must stand in quotes.
 *
 * @example
 * html`<p title="${sentence}">${rows.map(row => html`<b>${row}</b>`)}</p>`
 */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(strings.map((text, i) => (i === 0 ? text : markupOf(parts[i - 1]) + text)).join(''));

/** A whole page: one file, nothing fetched, nothing run. */
export function page(title: string, body: Html): string {
  // the policy holds the page to what it is, should markup ever slip in
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
${body}
<footer>Research use only. Not a medical device: not for diagnosis, treatment or any decision about a patient.</footer>
</body>
</html>
`.markup;
}
