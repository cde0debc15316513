import { formatUnits, parseUnits } from '@droppio/tips';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ageText, dollarsText, percentOf, shareOf, unitsText } from './figures.js';

describe('figures', () => {
  it.each([
    [0n, 18, '0'],
    [1_500_000n, 6, '1.5'],
    [1_234_567_890_123n, 6, '1,234,567.89'],
    [10n ** 9n - 1n, 0, '999,999,999'],
    [1n, 18, '0.000000000000000001'],
    [123_456_789n, 9, '0.123456'],
    [999_999_999_999n, 12, '0.999999'],
    [12_345_678n, 6, '12.3456'],
  ])('writes %s with %i decimals as %s', (raw, decimals, text) => {
    expect(unitsText(raw, decimals)).toBe(text);
  });

  it('never says more than there is', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n }), fc.integer({ min: 0, max: 36 }), (raw, decimals) => {
        const said = parseUnits(unitsText(raw, decimals).replaceAll(',', ''), decimals) ?? -1n;
        expect(said <= raw && said >= 0n).toBe(true);
        // Of what is there something is said.
        expect(raw === 0n || said > 0n).toBe(true);
        expect(formatUnits(raw, decimals).startsWith(unitsText(raw, decimals).replaceAll(',', ''))).toBe(true);
      }),
    );
  });

  it.each([
    [0n, '$0'],
    [1_00000000n, '$1'],
    [1_50000000n, '$1.50'],
    [99_999_999n, '$0.99'],
    [1_234_567_00999999n, '$1,234,567'],
  ])('writes %s hundred-millionths of a dollar as %s', (raw, text) => {
    expect(dollarsText(raw)).toBe(text);
  });

  it('says a hundred percent when all is there and not before', () => {
    expect([percentOf(99n, 100n), percentOf(10n ** 30n - 1n, 10n ** 30n), percentOf(100n, 100n), percentOf(250n, 100n)]).toEqual([
      99, 99, 100, 250,
    ]);
    expect([shareOf(0n, 3n), shareOf(1n, 2n), shareOf(5n, 2n), shareOf(0n, 0n)]).toEqual([0, 0.5, 1, 1]);
  });

  it('says how long ago', () => {
    expect([-5, 0, 59_999, 60_000, 3_600_000, 47 * 3_600_000, 48 * 3_600_000].map(ageText)).toEqual([
      'now',
      'now',
      'now',
      '1 min',
      '1 h',
      '47 h',
      '2 d',
    ]);
  });
});
