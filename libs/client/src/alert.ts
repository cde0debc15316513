import type { SummaryFrame, TestFrame, TipFrame, TipView } from '@droppio/protocol';

export type AmountView = SummaryFrame['d']['totals'][number];

/** One tip or test, to be shown by itself. */
export interface TipAlert {
  readonly kind: 'tip';
  readonly id: string;
  readonly seq: number;
  readonly view: TipView;
  /** Pressed by the creator, not paid: draw it with a mark. */
  readonly test: boolean;
  /** The creator plays a tip once more; its id. */
  readonly replayOf?: string | undefined;
  /** The block's clock, Unix milliseconds. */
  readonly blockMs?: number | undefined;
  /** Sent again after a time away, so its age says nothing about speed. */
  readonly replay: boolean;
}

/** Several tips in one card: too many, or too late, to show one by one. */
export interface DigestAlert {
  readonly kind: 'digest';
  readonly tips: number;
  /** One per symbol, in order of first appearance. */
  readonly totals: readonly AmountView[];
  /** Some of them came while the page was away; otherwise they came faster than they can be shown. */
  readonly missed: boolean;
}

export type Alert = TipAlert | DigestAlert;

/** A place in the waiting line: one tip, or several folded together. Stands for the events `from`…`seq` of its epoch. */
export interface Entry {
  readonly epoch: string;
  readonly from: number;
  readonly seq: number;
  readonly sinceMs: number;
  readonly ttlMs: number;
  /** Came while the page was away. */
  readonly replay: boolean;
  readonly members: readonly TipAlert[];
  /** What the server had already summed up. */
  readonly summed: readonly SummaryFrame['d'][];
}

export function alertOf(frame: Pick<TipFrame, 'id' | 'seq' | 'at' | 'replay' | 'd'>): TipAlert {
  const { id, seq, at, d } = frame;
  return { kind: 'tip', id, seq, view: d, test: false, blockMs: at.block, replay: frame.replay === true };
}

/** What the creator has pressed a button for: a test, or a tip once more. */
export function pressedAlertOf(frame: TestFrame): TipAlert {
  const { replayOf } = frame.d;
  return { ...alertOf(frame), test: replayOf === undefined, replayOf };
}

/** Whether it may be folded: what is pressed is to be seen. */
export const mayFold = (entry: Entry): boolean => !entry.members.some((member) => member.test || member.replayOf !== undefined);

/** Members kept apart, so that one of them can still be retracted; the oldest beyond are only counted. */
const MEMBERS_MAX = 1000;

export function fold(entries: readonly [Entry, ...Entry[]]): Entry {
  const [first] = entries;
  const members = entries.flatMap((entry) => entry.members);
  const counted = members.splice(0, Math.max(0, members.length - MEMBERS_MAX));
  const summed = entries.flatMap((entry) => entry.summed);
  if (counted.length > 0) summed.push({ tips: counted.length, totals: addUp(counted.map((member) => member.view.amount)) });
  return {
    ...first,
    from: Math.min(...entries.map((entry) => entry.from)),
    seq: Math.max(...entries.map((entry) => entry.seq)),
    sinceMs: Math.max(...entries.map((entry) => entry.sinceMs)),
    replay: entries.some((entry) => entry.replay),
    members,
    summed: summed.length > 1 ? [sumUp(summed)] : summed,
  };
}

export function toAlert({ members, summed, replay }: Entry): Alert | undefined {
  const [only] = members;
  if (only === undefined && summed.length === 0) return undefined;
  if (only !== undefined && members.length === 1 && summed.length === 0) return only;
  const apart = { tips: members.length, totals: members.map((member) => member.view.amount) };
  return { kind: 'digest', missed: replay, ...sumUp([...summed, apart]) };
}

function sumUp(parts: readonly SummaryFrame['d'][]): SummaryFrame['d'] {
  return { tips: parts.reduce((tips, part) => tips + part.tips, 0), totals: addUp(parts.flatMap((part) => part.totals)) };
}

function addUp(amounts: readonly AmountView[]): AmountView[] {
  const bySymbol = new Map<string, AmountView>();
  for (const amount of amounts.filter(({ raw }) => /^\d+$/.test(raw))) {
    // Symbols and decimals come from the operator's settings, so the same pair is the same money to a viewer, whatever its chain.
    const key = `${amount.symbol} ${String(amount.decimals)}`;
    const sum = bySymbol.get(key);
    bySymbol.set(key, sum === undefined ? amount : { ...sum, raw: (BigInt(sum.raw) + BigInt(amount.raw)).toString() });
  }
  return [...bySymbol.values()];
}
