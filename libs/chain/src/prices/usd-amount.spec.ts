import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { priceText, usdAmount } from './usd-amount.js';

const ETH = 18;
const at = (answer: bigint, decimals = 8) => ({ answer, decimals });
const MOST = 2n ** 256n - 1n;

describe(usdAmount.name, () => {
  it.each<[string, bigint, number, { answer: bigint; decimals: number }, string]>([
    ['one ether', 10n ** 18n, ETH, at(3_123_45678901n), '3123.45678901'],
    ['a token of six digits', 1_500_000n, 6, at(99_987_654n), '1.49981481'],
    ['a feed of eighteen digits', 10n ** 18n, ETH, at(3_123_456_789_012_345_678n, 18), '3.12345679'],
    ['no digits at all', 7n, 0, at(2n, 0), '14.00000000'],
    ['thirty-six digits', 10n ** 36n, 36, at(10n ** 36n, 36), '1.00000000'],
    ['less than can be written', 1n, ETH, at(100_000_000n), '0.00000000'],
    ['nothing', 0n, ETH, at(100_000_000n), '0.00000000'],
    ['a half that goes down to even', 5n, 9, at(1n, 0), '0.00000000'],
    ['a half that goes up to even', 15n, 9, at(1n, 0), '0.00000002'],
    ['a half that goes down to even again', 25n, 9, at(1n, 0), '0.00000002'],
    ['a hair above a half', 25_000_000_001n, 18, at(1n, 0), '0.00000003'],
  ])('says what %s is worth', (_, amount, decimals, price, usd) => {
    expect(usdAmount(amount, decimals, price)).toBe(usd);
  });

  it('says nothing of sums that no column holds, and never overflows', () => {
    expect(usdAmount(MOST, ETH, at(3000_00000000n))).toBeUndefined();
    expect(usdAmount(MOST, 0, at(2n ** 255n - 1n, 0))).toBeUndefined();
    expect(usdAmount(10n ** 30n, 0, at(1n, 0))).toBeUndefined();
    expect(usdAmount(10n ** 30n - 1n, 0, at(1n, 0))).toBe(`${'9'.repeat(30)}.00000000`);
  });

  it('is never further from the truth than half of the last digit', () => {
    const digits = fc.integer({ min: 0, max: 36 });
    const whole = fc.bigInt({ min: 0n, max: MOST });
    fc.assert(
      fc.property(whole, whole, digits, digits, (amount, answer, decimals, feed) => {
        const usd = usdAmount(amount, decimals, at(answer, feed));
        if (usd === undefined) return;
        expect(usd).toMatch(/^\d{1,30}\.\d{8}$/);
        const scale = 10n ** BigInt(decimals + feed);
        const error = BigInt(usd.replace('.', '')) * scale - amount * answer * 10n ** 8n;
        expect((error < 0n ? -error : error) * 2n <= scale).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe(priceText.name, () => {
  it('keeps every digit of the source', () => {
    expect(priceText(at(3_123_456_789_012_345_678n, 18))).toBe('3.123456789012345678');
    expect(priceText(at(100_000_000n))).toBe('1');
    expect(priceText(at(1n))).toBe('0.00000001');
  });
});
