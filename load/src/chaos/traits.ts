import type { Dice } from './dice.js';

/** What a payment inside a transaction may be. The first three are what the listener looks for, by its settings; the rest must never count. */
export const PAYMENT_WAYS = ['jar', 'jar-token', 'token', 'inside', 'minted', 'nothing', 'native', 'refused'] as const;
export type PaymentWay = (typeof PAYMENT_WAYS)[number];

/** Payments past the jar: whether the chain's settings make tips of them. */
export interface Money {
  readonly tokens: boolean;
  readonly native: boolean;
}

/** One provider that lies about blocks with right-looking answers, from one step of the story to another or to its end. */
export interface ForgerPlan {
  readonly endpoint: number;
  readonly from: number;
  readonly to: number | undefined;
}

/** What kind of chain it is, as opposed to what happens to it. */
export interface Traits {
  /** Absent: all its payments go through the jar, in coins. */
  readonly money?: Money;
  /** Present: two providers must agree, and one of three forges. */
  readonly forger?: ForgerPlan;
  /** Blocks that a tip must have, its own included, before it is stored. */
  readonly confirmations: number;
  /** How its nodes tell of transactions before their block is sealed, where they do. */
  readonly source: 'pendingLogs' | 'pending';
  /** How far the clock of whoever leads it jumps when the story is over: nobody's restart sets it right. */
  readonly lastJumpMs?: number;
}

/** Tips through the jar alone, stored with their block, on any one provider's word. */
export const PLAIN: Traits = { confirmations: 1, source: 'pendingLogs' };

const MOST_STEPS = 9;

export function traitsOf(dice: Dice): Traits {
  const [money, forger, rest] = [dice.fork(1), dice.fork(2), dice.fork(3)];
  return {
    ...(money.chance(0.55) ? { money: { tokens: money.chance(0.8), native: money.chance(0.45) } } : {}),
    ...(forger.chance(0.3) ? { forger: forgerOf(forger) } : {}),
    confirmations: rest.chance(0.25) ? rest.int(2, 4) : 1,
    source: rest.chance(0.4) ? 'pending' : 'pendingLogs',
    ...(rest.chance(0.12) ? { lastJumpMs: -rest.int(1, 10) * 60_000 } : {}),
  };
}

function forgerOf(dice: Dice): ForgerPlan {
  const endpoint = dice.int(0, 2);
  if (dice.chance(0.6)) return { endpoint, from: 0, to: undefined };
  const from = dice.int(0, MOST_STEPS - 4);
  return { endpoint, from, to: dice.int(from + 2, MOST_STEPS) };
}

/** How the payments of one transaction are made. Some transactions are one payment by themselves. */
export function waysOf(dice: Dice, payments: number): readonly PaymentWay[] {
  const kind = dice.weighted([['jar', 3] as const, ['native', 2] as const, ['refused', 0.5] as const, ['mixed', 5] as const]);
  if (kind === 'native' || kind === 'refused') return [kind];
  if (kind === 'jar') return Array.from({ length: payments }, () => kind);
  return Array.from({ length: payments + dice.int(0, 3) }, () =>
    dice.weighted([
      ['jar', 3] as const,
      ['jar-token', 2] as const,
      ['token', 4] as const,
      ['inside', 1] as const,
      ['minted', 1] as const,
      ['nothing', 0.5] as const,
    ]),
  );
}
