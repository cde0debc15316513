import type { TickerAnswer, TipFrame } from '@droppio/protocol';
import { UNSURE, type Unsure } from './counted-tips.js';

/** More than are drawn, so that some may be taken back. */
const KEPT = 50;
/** As many as a ticker can draw: with fewer left the server is asked for older ones. */
const DRAWN_MAX = 20;

/** `rank`: of tips in blocks of the same second the one that was told later stands first. */
export type TickerTip = TickerAnswer['tips'][number] & { readonly rank: number };

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
  return trimmed({ kind: 'ticker', seq, isWhole, showMessages, tips: tips.map((tip, place) => ({ ...tip, rank: -place })) });
}

/** Pure. Events up to `seq` are in it already and change nothing. */
export function foldTicker(list: TickerList, frame: TipFrame): TickerList | Unsure {
  if (frame.seq <= list.seq) return list;
  const known = list.tips.find(({ tipId }) => tipId === frame.id);
  const others = list.tips.filter((tip) => tip !== known);
  if (frame.type !== 'tip.retracted') return placed(list, frame, known, others);
  const mayLackOne = known !== undefined && !list.isWhole && others.length < DRAWN_MAX;
  return mayLackOne ? UNSURE : { ...list, seq: frame.seq, tips: others };
}

function placed(list: TickerList, frame: TipFrame, known: TickerTip | undefined, others: readonly TickerTip[]): TickerList | Unsure {
  const at = frame.at.block ?? known?.at;
  if (at === undefined) return UNSURE;
  // Who of the same second was told first is known only of those that stand where they stood, and of news.
  if (frame.type !== 'tip' && at !== known?.at && others.some((other) => other.at === at)) return UNSURE;
  const tip = tipOf(frame, at, known?.rank ?? frame.seq, list.showMessages);
  const place = list.isWhole ? 'known' : placeOf(tip, { known, last: list.tips.at(-1) });
  if (place === 'unknown') return UNSURE;
  return place === 'behind' ? { ...list, seq: frame.seq } : trimmed({ ...list, seq: frame.seq, tips: [...others, tip].sort(newestFirst) });
}

/** In a list that others are behind: what is as old as the last one, or older, may stand among those. */
function placeOf(
  { at }: TickerTip,
  { known, last }: { readonly known: TickerTip | undefined; readonly last: TickerTip | undefined },
): 'known' | 'behind' | 'unknown' {
  if (known !== undefined) return at < known.at ? 'unknown' : 'known';
  if (last === undefined) return 'unknown';
  if (at < last.at) return 'behind';
  return 'known';
}

function tipOf({ id, d: { name, amount, message } }: TipFrame, at: number, rank: number, showMessages: boolean): TickerTip {
  return { tipId: id, at, rank, name, amount, message: showMessages ? message : '' };
}

function trimmed(list: TickerList): TickerList {
  return list.tips.length <= KEPT ? list : { ...list, isWhole: false, tips: list.tips.slice(0, KEPT) };
}

function newestFirst(a: TickerTip, b: TickerTip): number {
  return b.at - a.at || b.rank - a.rank;
}
