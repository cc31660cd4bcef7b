import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { minifyWgsl } from '../../tools/minify-wgsl.js';

describe('minifyWgsl', () => {
  test('drops comments and indentation, keeps line numbers', () => {
    const source = '// title\n\nfn f() -> f32 { // why\n    let a  =  1.0; /* one\n   two */ return a;\n}\n';
    expect(minifyWgsl(source)).toBe('\n\nfn f()-> f32{\nlet a=1.0;\nreturn a;\n}\n');
  });

  test('keeps the directives of the opening comment, and only those', () => {
    const source = '// Softmax.\n// include: gelu, erf\n//  enable: subgroups\nconst a = 1;\n// include: not-one\n';
    expect(minifyWgsl(source)).toBe('\n// include: gelu, erf\n//  enable: subgroups\nconst a=1;\n\n');
  });

  test('block comments nest, and separate tokens', () => {
    expect(minifyWgsl('let/* a /* b */ c */x = 1;')).toBe('let x=1;');
    expect(minifyWgsl('/* // */ let x = 4 / 2 * 3;')).toBe('let x=4 / 2*3;');
    expect(minifyWgsl('let x = 1; // /* not opened\nlet y = 2;')).toBe('let x=1;\nlet y=2;');
  });

  test('is idempotent and never changes the number of lines', () => {
    const piece = fc.constantFrom(
      'let x = 1;',
      '//',
      '/*',
      '*/',
      ' ',
      '\n',
      '  // include: a',
      'fn f() {',
      '}',
      '/',
      '*',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
        const source = pieces.join('');
        const once = minifyWgsl(source);
        expect(once.split('\n')).toHaveLength(source.split('\n').length);
        // What looks like a comment only after one was removed (`/` + `/**/` + `/`) is parted by a space, so it stays code.
        expect(minifyWgsl(once)).toBe(once);
      }),
    );
  });

  test('keeps spaces that part tokens', () => {
    const kept = ['a - -b', 'a & &b', 'x >= y', 'array<f32> = z', 'a / *p', 'let x', 'a < b', 'i--'];
    for (const text of kept) expect(minifyWgsl(text)).toBe(text);
    expect(minifyWgsl('f ( a , b ) [ i ] = *p ;')).toBe('f(a,b)[i]= *p;');
    expect(minifyWgsl('x += a && b == c;')).toBe('x+=a && b==c;');
  });

  test('changes no token of the shipped kernels', () => {
    const operators = '&&|\\|\\||->|--|\\+\\+|<<=|>>=|<<|>>|[-+*/%&|^<>=!]=|[^\\w\\s]';
    const tokens = (text: string) => text.match(new RegExp(`[\\w.]+|${operators}`, 'g'));
    const files = readdirSync('gpu/kernels', { recursive: true, encoding: 'utf8' }).filter(f => f.endsWith('.wgsl'));
    for (const file of files) {
      const source = readFileSync(`gpu/kernels/${file}`, 'utf8');
      const bare = source.replace(/^(?!\s*\/\/\s*(include|enable):)(.*?)\/\/.*$/gm, '$2');
      const directives = (text: string) => text.match(/^\/\/\s*(include|enable):.*$/gm) ?? [];
      const text = minifyWgsl(source);
      expect(tokens(text), file).toEqual(tokens(bare));
      expect(directives(text), file).toEqual(directives(source));
    }
  });

  test('leaves no comment but directives in the shipped kernels', () => {
    const files = readdirSync('gpu/kernels', { recursive: true, encoding: 'utf8' }).filter(file =>
      file.endsWith('.wgsl'),
    );
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const text = minifyWgsl(readFileSync(`gpu/kernels/${file}`, 'utf8'));
      for (const line of text.split('\n'))
        if (!/^\/\/\s*(include|enable):/.test(line)) expect(line, file).not.toMatch(/\/\/|\/\*/);
    }
  });
});
