import { formatUnits, parseUnits } from '@droppio/tips';

/** Digits after the point of every amount in dollars. */
export const USD_DIGITS = 8;
/** What `numeric(38,8)` holds, in its smallest units. */
const TOO_MUCH = 10n ** 38n;

export interface UnitPrice {
  /** Dollars for one whole token, in units of `decimals` digits. */
  readonly answer: bigint;
  readonly decimals: number;
}

/**
 * Dollars as a decimal string with eight digits, rounded half to even: `1500000` of a token with 6 decimals at 2.5 → `3.75000000`. `undefined`
 * when nobody could mean so much money. Exact: no float is ever involved.
 */
export function usdAmount(amount: bigint, decimals: number, { answer, decimals: digits }: UnitPrice): string | undefined {
  const units = divideHalfEven(amount * answer * 10n ** BigInt(USD_DIGITS), 10n ** BigInt(decimals + digits));
  if (units >= TOO_MUCH) return undefined;
  const text = units.toString().padStart(USD_DIGITS + 1, '0');
  return `${text.slice(0, -USD_DIGITS)}.${text.slice(-USD_DIGITS)}`;
}

/** What does not change, as a price. */
export function pegged(usd: string): UnitPrice {
  return { answer: parseUnits(usd, USD_DIGITS) ?? 0n, decimals: USD_DIGITS };
}

export function priceText({ answer, decimals }: UnitPrice): string {
  return formatUnits(answer, decimals);
}

/** Of numbers that are not negative. */
function divideHalfEven(value: bigint, by: bigint): bigint {
  const [whole, twice] = [value / by, (value % by) * 2n];
  const isUp = twice > by || (twice === by && whole % 2n === 1n);
  return isUp ? whole + 1n : whole;
}
