import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanMessage, cleanName, MESSAGE_MAX_GRAPHEMES } from './clean-message.js';

const graphemes = (text: string): number => [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)].length;
const nasty = fc.string({
  unit: fc.constantFrom(
    '\0',
    '\u202E',
    '\u2066',
    '\u0301',
    '\u200B',
    '\u200D',
    '\uFE0F',
    '\uD800',
    '\n',
    '\r\n',
    '\t',
    ' ',
    'a',
    'é',
    '👩',
    '👩‍👩‍👧',
    '🏽',
    '﷽',
    '\u2028',
    '\u{E0041}',
  ),
});
const text = fc.oneof(nasty, fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));

describe('cleanMessage', () => {
  it.each([
    ['keeps plain words', 'gg well played', 'gg well played'],
    ['drops NUL, which Postgres cannot store', 'a\0b', 'ab'],
    ['drops bidi overrides', 'pay \u202Eevil\u202C now', 'pay evil now'],
    ['drops zero-width spaces that hide words from filters', 'b\u200Ba\u200Bd', 'bad'],
    ['drops lone surrogates', 'x\uD800y', 'xy'],
    ['keeps emoji that are joined', '👩‍👩‍👧 ❤️ 👩🏽‍🚀', '👩‍👩‍👧 ❤️ 👩🏽‍🚀'],
    ['drops a joiner that joins nothing', 'a\u200Db', 'ab'],
    ['composes letters', 'e\u0301', 'é'],
    ['keeps three marks on a letter and drops the flood', `a${'\u0316'.repeat(2000)}`, `a${'\u0316'.repeat(3)}`],
    ['drops marks that stand on nothing', '\u0301\u0301x', 'x'],
    ['folds blank space and trims lines', '  a \t  b  \n\n\n  c ', 'a b\nc'],
    ['keeps four lines and runs the rest together', '1\n2\n3\n4\n5', '1\n2\n3\n4 5'],
    ['leaves markup as the text it is', '<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
  ])('%s', (_, input, output) => {
    expect(cleanMessage(input)).toBe(output);
  });

  it('cuts after 280 graphemes, never inside one', () => {
    const cleaned = cleanMessage('👩‍👩‍👧'.repeat(400));
    expect(graphemes(cleaned)).toBe(MESSAGE_MAX_GRAPHEMES);
    expect(cleaned).toBe('👩‍👩‍👧'.repeat(MESSAGE_MAX_GRAPHEMES));
  });

  it('is idempotent, bounded and storable, whatever comes in', () => {
    fc.assert(
      fc.property(text, (input) => {
        const once = cleanMessage(input);
        expect(cleanMessage(once)).toBe(once);
        expect(graphemes(once)).toBeLessThanOrEqual(MESSAGE_MAX_GRAPHEMES);
        expect(once.split('\n').length).toBeLessThanOrEqual(4);
        expect(once).not.toMatch(/[\0\u202A-\u202E\u2066-\u2069]/);
        expect(once).not.toMatch(/\p{Cs}/u);
      }),
      { numRuns: 500 },
    );
  });

  it('deals with 10 KB of marks in milliseconds', () => {
    const started = performance.now();
    cleanMessage(`a${'\u0316'.repeat(10_000)}`.repeat(3));
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('cleanName', () => {
  it('is one short line', () => {
    expect(cleanName('a\nb')).toBe('a b');
    expect(graphemes(cleanName('x'.repeat(200)))).toBe(50);
  });
});
