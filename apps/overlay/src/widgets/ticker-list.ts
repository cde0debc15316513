import type { TickerAnswer, TipFrame } from '@droppio/protocol';
import { UNSURE, type Unsure } from './counted-tips.js';

/** More than are drawn, so that some may be taken back. */
const KEPT = 50;
/** As many as a ticker can draw: with fewer left the server is asked for older ones. */
const DRAWN_MAX = 20;

export type TickerTip = TickerAnswer['tips'][number];

/** The latest tips, exact at `seq`. */
export interface TickerList {
  readonly kind: 'ticker';
  readonly seq: number;
  /** There are none behind the last one. */
  readonly isWhole: boolean;
  readonly showMessages: boolean;
  readonly tips: readonly TickerTip[];
}

export function beginTicker({ seq, isWhole, tips }: TickerAnswer, showMessages: boolean): TickerList {
  return trimmed({ kind: 'ticker', seq, isWhole, showMessages, tips: [...tips].sort(newestFirst) });
}

/** Pure. Events up to `seq` are in it already and change nothing. */
export function foldTicker(list: TickerList, frame: TipFrame): TickerList | Unsure {
  if (frame.seq <= list.seq) return list;
  const known = list.tips.find(({ tipId }) => tipId === frame.id);
  const others = list.tips.filter((tip) => tip !== known);
  if (frame.type === 'tip.retracted') {
    const mayLackOne = known !== undefined && !list.isWhole && others.length < DRAWN_MAX;
    return mayLackOne ? UNSURE : { ...list, seq: frame.seq, tips: others };
  }
  const at = frame.at.block ?? known?.at;
  if (at === undefined) return UNSURE;
  const tip = tipOf(frame, at, list.showMessages);
  if (!list.isWhole) {
    const last = list.tips.at(-1);
    // Where others are behind the last one, nobody here knows the place of what is older than it.
    if (known !== undefined && at < known.at) return UNSURE;
    if (known === undefined && last !== undefined && newestFirst(last, tip) < 0) return { ...list, seq: frame.seq };
  }
  return trimmed({ ...list, seq: frame.seq, tips: [...others, tip].sort(newestFirst) });
}

function tipOf({ id, d: { name, amount, message } }: TipFrame, at: number, showMessages: boolean): TickerTip {
  return { tipId: id, at, name, amount, message: showMessages ? message : '' };
}

function trimmed(list: TickerList): TickerList {
  return list.tips.length <= KEPT ? list : { ...list, isWhole: false, tips: list.tips.slice(0, KEPT) };
}

/** The server's order: by the block's clock, then by chain, transaction and ordinal, the greater first. */
function newestFirst(a: TickerTip, b: TickerTip): number {
  if (a.at !== b.at) return b.at - a.at;
  const [chain = '', hash = '', ordinal = ''] = a.tipId.split('-');
  const [otherChain = '', otherHash = '', otherOrdinal = ''] = b.tipId.split('-');
  if (chain !== otherChain) return Number(otherChain) - Number(chain);
  return hash === otherHash ? Number(otherOrdinal) - Number(ordinal) : hash < otherHash ? 1 : -1;
}
