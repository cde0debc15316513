import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidRequest, PreconditionRequired } from '../errors.js';
import { entityTag, readIfMatch } from './etag.js';

describe(readIfMatch.name, () => {
  it('reads back every tag that was given out, alone and in lists', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 999_999_999 }), { minLength: 1, maxLength: 16 }), (versions) => {
        expect(readIfMatch(versions.map(entityTag).join(' ,  '))).toEqual(versions);
      }),
    );
  });

  it.each([
    ['*', 'any'],
    [' * ', 'any'],
    ['"v7"', [7]],
    ['"v7", "v8"', [7, 8]],
    [',"v7",,', [7]],
    ['W/"v7"', []],
    ['W/"v7", "v8"', [8]],
    ['"somebody-elses"', []],
    ['""', []],
    ['"v0"', []],
    ['"v07"', []],
    ['"v-1"', []],
    ['"v1e3"', []],
    ['"v9999999999"', []],
    ['"V7"', []],
    ['"7"', []],
  ])('takes %s as %j', (header, expected) => {
    expect(readIfMatch(header)).toEqual(expected);
  });

  it.each([
    '',
    ' ',
    ',',
    'v7',
    '"v7',
    'v7"',
    '"v7" "v8"',
    'w/"v7"',
    'W/ "v7"',
    '"a b"',
    '*, "v7"',
    '**',
    '"v7"\u0000',
    Array.from({ length: 17 }, () => '"v1"').join(),
    `"${'v'.repeat(1024)}"`,
  ])('refuses %j, which is no list of tags, and says so', (header) => {
    expect(() => readIfMatch(header)).toThrow(InvalidRequest);
  });

  it('asks for one where there is none', () => {
    expect(() => readIfMatch(undefined)).toThrow(PreconditionRequired);
  });

  it('never throws anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', 'W', '/', 'v', '7', ',', ' ', '*') })), (text) => {
        try {
          const expected = readIfMatch(text);
          if (expected !== 'any') for (const version of expected) expect(Number.isSafeInteger(version)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidRequest);
        }
      }),
    );
  });
});
