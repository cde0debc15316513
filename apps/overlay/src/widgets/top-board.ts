import type { TipFrame, TopAnswer } from '@droppio/protocol';
import { HIDDEN_SENDER, parseUnits, shortAddress, type TopOptions } from '@droppio/tips';
import { changeBy, rawOf, UNSURE, type Known, type Part, type Unsure } from './counted-tips.js';
import { isIn, type Counted } from './counted-unit.js';

/** Senders that are kept; with more than that the server is asked for the first ones. */
const TIPPERS_MAX = 500;

export interface Tipper {
  readonly from: string;
  readonly name: string;
  readonly tips: number;
  readonly amount: bigint;
}

/** Who has tipped how much, exact at `seq`. */
export interface TopBoard {
  readonly kind: 'top';
  readonly seq: number;
  readonly counted: Counted;
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
  /** Until the period ended, when the server was asked. */
  readonly leftMs: number;
  /** Nobody is missing behind the last one. */
  readonly isWhole: boolean;
  readonly tippers: ReadonlyMap<string, Tipper>;
  readonly known: Known;
}

export function beginTop(answer: TopAnswer, options: TopOptions): TopBoard {
  const decimals = options.unit === 'usd' ? 8 : 0;
  const tippers = answer.tippers.map((one) => [one.from, { ...one, amount: parseUnits(one.amount, decimals) ?? 0n }] as const);
  const { seq, since, until, isWhole, at } = answer;
  const leftMs = until === null ? Infinity : Math.max(0, until - at);
  return {
    kind: 'top',
    seq,
    counted: options,
    sinceMs: since,
    untilMs: until,
    leftMs,
    isWhole,
    tippers: new Map(tippers),
    known: new Map(),
  };
}

/** Pure. Events up to `seq` are in it already and change nothing. */
export function foldTop(board: TopBoard, frame: TipFrame): TopBoard | Unsure {
  if (frame.seq <= board.seq) return board;
  const change = changeBy(board.known, frame, (told) => partOf(board, told));
  if (change === UNSURE) return UNSURE;
  if (change === undefined) return { ...board, seq: frame.seq };
  const { before, after, known } = change;
  const tippers = new Map(board.tippers);
  for (const [part, tips] of [[before, -1] as const, [after, 1] as const]) {
    if (part !== undefined && !add(tippers, board.isWhole, part, tips)) return UNSURE;
  }
  return tippers.size > TIPPERS_MAX ? UNSURE : { ...board, seq: frame.seq, tippers, known };
}

/** Most first, by address among equals. */
export function ranked({ tippers }: TopBoard): readonly Tipper[] {
  return [...tippers.values()].sort((a, b) => (a.amount === b.amount ? (a.from < b.from ? -1 : 1) : a.amount < b.amount ? 1 : -1));
}

/** False: whoever is behind the last one may have come before him by it. */
function add(tippers: Map<string, Tipper>, isWhole: boolean, { from, amount }: Part, tips: 1 | -1): boolean {
  const known = tippers.get(from);
  if (!isWhole && (known === undefined || tips < 0)) return false;
  const next = {
    from,
    name: known?.name ?? shortAddress(from),
    tips: (known?.tips ?? 0) + tips,
    amount: (known?.amount ?? 0n) + amount * BigInt(tips),
  };
  if (next.tips < 0 || next.amount < 0n) return false;
  if (next.tips === 0) tippers.delete(from);
  else tippers.set(from, next);
  return true;
}

function partOf({ counted, sinceMs, untilMs }: TopBoard, frame: TipFrame): Part | Unsure | undefined {
  const from = frame.d.from.toLowerCase();
  if (from === HIDDEN_SENDER.from) return undefined;
  if (counted.unit === 'usd') return UNSURE;
  if (!isIn(counted, frame)) return undefined;
  const amount = rawOf(frame);
  const { block } = frame.at;
  if (amount === undefined || (sinceMs !== null && block === undefined)) return UNSURE;
  const isWithin = block === undefined || (block >= (sinceMs ?? -Infinity) && block < (untilMs ?? Infinity));
  return isWithin ? { from, amount } : undefined;
}
