import type { DisplayAmount } from './tip.js';

/** `1500000` with 6 decimals → `1.5`. Exact: no float is ever involved. */
export function formatUnits(raw: bigint, decimals: number): string {
  const digits = raw.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** `1.5 USDC`. */
export function formatAmount(amount: Pick<DisplayAmount, 'raw' | 'decimals' | 'symbol'>): string {
  return `${formatUnits(BigInt(amount.raw), amount.decimals)} ${amount.symbol}`;
}

/** `0x1234…abcd`. */
export function shortAddress(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}

/** `1.5` with 6 decimals → `1500000n`. `undefined` for anything but a plain non-negative decimal that fits the decimals exactly. */
export function parseUnits(text: string, decimals: number): bigint | undefined {
  const match = /^(\d{1,78})(?:\.(\d{1,78}))?$/.exec(text);
  const fraction = (match?.[2] ?? '').replace(/0+$/, '');
  if (match?.[1] === undefined || fraction.length > decimals) return undefined;
  return BigInt(match[1] + fraction.padEnd(decimals, '0'));
}
