import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAmount, formatUnits, parseUnits, shortAddress } from './amount.js';

describe('formatUnits', () => {
  it.each([
    [1_500_000n, 6, '1.5'],
    [0n, 18, '0'],
    [1n, 18, '0.000000000000000001'],
    [10n ** 18n, 18, '1'],
    [42n, 0, '42'],
    [2n ** 256n - 1n, 18, '115792089237316195423570985008687907853269984665640564039457.584007913129639935'],
  ])('%s with %s decimals is %s', (raw, decimals, text) => {
    expect(formatUnits(raw, decimals)).toBe(text);
  });

  it('loses nothing', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.integer({ min: 0, max: 36 }), (raw, decimals) => {
        const [whole = '', fraction = ''] = formatUnits(raw, decimals).split('.');
        expect(BigInt(whole + fraction.padEnd(decimals, '0'))).toBe(raw);
      }),
    );
  });
});

it('an amount carries its symbol', () => {
  expect(formatAmount({ raw: '10000000000000000', decimals: 18, symbol: 'ETH' })).toBe('0.01 ETH');
});

it('an address is shortened to what people compare', () => {
  expect(shortAddress('0x1234567890abcdef1234567890abcdef12345678')).toBe('0x1234…5678');
});

describe('parseUnits', () => {
  it('is the inverse of formatUnits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.integer({ min: 0, max: 36 }), (raw, decimals) => {
        expect(parseUnits(formatUnits(raw, decimals), decimals)).toBe(raw);
      }),
    );
  });

  it.each(['', '-1', '1e3', '.5', '1.', '0x10', '1,5', ' 1', 'NaN'])('refuses %j', (text) => {
    expect(parseUnits(text, 18)).toBeUndefined();
  });

  it('refuses more digits than the token has', () => {
    expect(parseUnits('0.0000001', 6)).toBeUndefined();
    expect(parseUnits('0.1000000', 6)).toBe(100_000n);
  });
});
