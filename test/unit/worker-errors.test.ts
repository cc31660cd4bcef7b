import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { asTmcaError, decodeError, encodeError } from '../../runtime/browser/worker/errors.js';

/** There and back as `postMessage` does it. */
const cross = (error: unknown) => decodeError(structuredClone(encodeError(error)));

describe('errors across the worker boundary', () => {
  it('keeps class, code, message, retryable and the whole chain of causes', () => {
    const codes = fc.constantFrom('DEVICE_LOST', 'TEXT_EMPTY', 'INTERNAL', 'GPU_FAILED' as const);
    const link = fc.record({ code: codes, message: fc.string(), retryable: fc.boolean() });
    fc.assert(
      fc.property(fc.array(link, { minLength: 1, maxLength: 8 }), links => {
        const build = (cause: unknown, { code, message, retryable }: (typeof links)[number]) =>
          new TmcaError(code as 'INTERNAL', message, { retryable, cause });
        let [sent, got] = [links.reduce<unknown>(build, undefined), undefined as unknown];
        got = cross(sent);
        for (let depth = 0; depth < links.length; depth++) {
          const [a, b] = [sent as TmcaError, got as TmcaError];
          expect(b).toBeInstanceOf(TmcaError);
          expect([b.code, b.message, b.retryable, b.stack]).toEqual([a.code, a.message, a.retryable, a.stack]);
          [sent, got] = [a.cause, b.cause];
        }
        expect(got).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });

  it('keeps the names of errors of other classes', () => {
    const error = new TmcaError('DOWNLOAD_FAILED', 'm', {
      cause: new RangeError('r', { cause: new DOMException('d', 'AbortError') }),
    });
    const got = cross(error) as TmcaError;
    const range = got.cause as Error;
    expect([range.name, range.message]).toEqual(['RangeError', 'r']);
    expect(range.cause).toBeInstanceOf(DOMException);
    expect((range.cause as DOMException).name).toBe('AbortError');
  });

  it.each([
    ['a number', 7, 7],
    ['an object', { a: [1] }, { a: [1] }],
    ['a GPUError, which is no Error and not cloneable', { message: 'oom', clone: () => {} }, 'oom'],
    ['a function', (): number => 1, '() => 1'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['null', null, null],
  ])('carries a cause that is %s', (_name, cause, expected) => {
    expect((cross(new TmcaError('INTERNAL', 'm', { cause })) as TmcaError).cause).toEqual(expected);
  });

  it('ends on a chain of causes that is a circle', () => {
    const a = new Error('a');
    a.cause = new Error('b', { cause: a });
    expect((cross(a) as Error).message).toBe('a');
  });

  it('names what failed when something else than a TmcaError escapes', () => {
    const wrapped = asTmcaError(new RangeError('too deep'), 'segment');
    expect(wrapped.code).toBe('INTERNAL');
    expect(wrapped.message).toBe('segment: must not fail, got RangeError: too deep; please report this');
    expect(asTmcaError(wrapped, 'other')).toBe(wrapped);
  });
});
