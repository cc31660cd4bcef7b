// What a shader's comments and indentation cost is paid by every page that loads the package, so the build leaves them
// out. Line breaks stay: a compiler's message still names the line of the source file, and gzip makes them free.

import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/** Directives that gpu/shader.ts reads among a kernel's first comment lines; they survive. */
const directive = /^\s*\/\/\s*(include|enable):/;

/**
 * Spaces that part nothing: beside brackets, commas, semicolons and colons, and around an operator between two names, numbers or
 * brackets. `a - -b`, `> =` and the angle brackets of templates keep theirs.
 */
const between =
  / (?=[(){}[\],;:])|(?<=[(){}[\],;:]) |(?<=[\w)\]]) (?=[-+*=&|]=? [\w(])|(?<=[\w)\]] ?[-+*=&|]=?) (?=[\w(])/g;

/**
 * WGSL without comments, indentation and spaces that part nothing; the tokens, the directives and the line count are unchanged.
 * WGSL has no string literals, so `//` and `/*` always open a comment. Block comments nest (WGSL, section 3.3).
 */
export function minifyWgsl(source: string): string {
  const lines = source.replaceAll('\r\n', '\n').split('\n');
  let depth = 0;
  let opening = true;
  return lines
    .map(line => {
      if (opening && depth === 0 && directive.test(line)) return line.trim();
      const { code, depth: after } = withoutComments(line, depth);
      depth = after;
      const text = code.replace(/\s+/g, ' ').replace(between, '').trim();
      if (text !== '') opening = false;
      return text;
    })
    .join('\n');
}

/** One line without its comments; `depth` block comments are open before it, and as many as returned after it. */
function withoutComments(line: string, depth: number): { code: string; depth: number } {
  let code = '';
  for (let i = 0; i < line.length; ) {
    const pair = line.slice(i, i + 2);
    if (depth === 0 && pair === '//') break;
    if (pair === '/*' || (depth > 0 && pair === '*/')) {
      depth += pair === '/*' ? 1 : -1;
      // A comment separates tokens, as a space does.
      code += ' ';
      i += 2;
      continue;
    }
    if (depth === 0) code += line[i];
    i++;
  }
  return { code, depth };
}

/** Vite plugin: `import text from './NAME.wgsl?raw'` gives minified WGSL in a build; in tests and in the dev server, the file. */
export function wgsl(): Plugin {
  return {
    name: 'tmca:wgsl',
    apply: 'build',
    enforce: 'pre',
    load(id) {
      const [path, query] = id.split('?');
      if (!path?.endsWith('.wgsl') || query !== 'raw') return null;
      this.addWatchFile(path);
      return { code: `export default ${JSON.stringify(minifyWgsl(readFileSync(path, 'utf8')))};`, moduleType: 'js' };
    },
  };
}
