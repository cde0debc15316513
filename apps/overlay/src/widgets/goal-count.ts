import type { GoalAnswer, TipFrame } from '@droppio/protocol';
import { parseUnits, type GoalOptions } from '@droppio/tips';
import { changeBy, rawOf, UNSURE, type Known, type Part, type Unsure } from './counted-tips.js';
import { isIn, type Counted } from './counted-unit.js';

/** How much has come, exact at `seq`. */
export interface GoalCount {
  readonly kind: 'goal';
  readonly seq: number;
  readonly counted: Counted;
  readonly sinceMs: number | null;
  /** Smallest units of the token, or of a dollar's eighth decimal; without what was there at the start. */
  readonly amount: bigint;
  readonly known: Known;
}

export function beginGoal(answer: GoalAnswer, options: GoalOptions): GoalCount {
  const decimals = options.unit === 'usd' ? 8 : 0;
  const amount = parseUnits(answer.amount, decimals) ?? 0n;
  return { kind: 'goal', seq: answer.seq, counted: options, sinceMs: answer.since, amount, known: new Map() };
}

/** Pure. Events up to `seq` are in it already and change nothing. */
export function foldGoal(count: GoalCount, frame: TipFrame): GoalCount | Unsure {
  if (frame.seq <= count.seq) return count;
  const change = changeBy(count.known, frame, (told) => partOf(count, told));
  if (change === UNSURE) return UNSURE;
  if (change === undefined) return { ...count, seq: frame.seq };
  const amount = count.amount - (change.before?.amount ?? 0n) + (change.after?.amount ?? 0n);
  return amount < 0n ? UNSURE : { ...count, seq: frame.seq, amount, known: change.known };
}

function partOf({ counted, sinceMs }: GoalCount, frame: TipFrame): Part | Unsure | undefined {
  // What a tip was worth is known only to the server, and only a while after the tip.
  if (counted.unit === 'usd') return UNSURE;
  if (!isIn(counted, frame)) return undefined;
  const amount = rawOf(frame);
  if (amount === undefined || (sinceMs !== null && frame.at.block === undefined)) return UNSURE;
  return sinceMs !== null && (frame.at.block ?? 0) < sinceMs ? undefined : { from: frame.d.from, amount };
}
