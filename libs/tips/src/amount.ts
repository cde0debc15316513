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
