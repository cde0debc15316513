import type { TipFrame } from '@droppio/protocol';
import type { CountedUnit } from '@droppio/tips';

export type Counted = CountedUnit;

/** Is the tip in what is counted? In dollars all are. */
export function isIn(counted: Counted, { d: { amount } }: TipFrame): boolean {
  return counted.unit === 'usd' || (counted.chainId === amount.chainId && counted.token === amount.token.toLowerCase());
}
