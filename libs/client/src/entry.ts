import type { EventFrame, SummaryFrame } from '@droppio/protocol';
import { alertOf, isPressed, pressedAlertOf, type Alert, type AmountView, type TipAlert } from './alert.js';

/** Lanes: what goes on where it was, what goes before others, all others. Commands need no lane, they act at once. */
export const Rank = { goesOn: 0, first: 1, normal: 2 } as const;
export type Rank = (typeof Rank)[keyof typeof Rank];

/** How far a showing has come. */
export interface Progress {
  /** When it would have begun, had it been seen in one piece. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly halfSeen: boolean;
}

/** A place in the waiting line: one tip, or several folded together. Stands for the events `from`…`seq` of its epoch. */
export interface Entry {
  readonly epoch: string;
  readonly from: number;
  readonly seq: number;
  /** Since when it is news: its arrival; if it had to be sent again, when the server first knew of it. */
  readonly sinceMs: number;
  readonly ttlMs: number;
  readonly rank: Rank;
  /** Came while the page was away, or while nobody could see it: the catch-up rule says what becomes of it. */
  readonly missed?: 'away' | 'unseen' | undefined;
  /** The rule has spoken. */
  readonly judged?: boolean | undefined;
  /** One card, even of one tip. */
  readonly isCard?: boolean | undefined;
  /** Those of one tier that wait are one card. */
  readonly tier?: string | undefined;
  /** Of the tier, where there is one: what is less is the first to be folded. */
  readonly priority?: number | undefined;
  /** How often it was handed out. */
  readonly appearances: number;
  readonly progress?: Progress | undefined;
  /** Perhaps its first frame was seen, and the browser ended before that was written down. */
  readonly mayHaveBegun?: boolean | undefined;
  readonly members: readonly TipAlert[];
  /** What is only counted. */
  readonly summed: readonly SummaryFrame['d'][];
  /** Ids of some that are only counted. */
  readonly counted?: readonly string[] | undefined;
}

type Shown = Extract<EventFrame, { type: 'tip' | 'tip.updated' | 'tip.retracted' | 'test' | 'summary' }>;

/** `aheadMs`: how much later it is here than at the server. */
export function entryOf(frame: Shown, epoch: string, now: number, aheadMs = 0): Entry {
  const { seq, from = seq } = frame;
  const base = { epoch, from, seq, rank: Rank.normal, appearances: 0, members: [], summed: [] };
  if (frame.type === 'summary') {
    const counted = frame.d.newest?.map(({ id }) => id);
    return { ...base, sinceMs: now, ttlMs: Number.POSITIVE_INFINITY, summed: [frame.d], counted };
  }
  const sinceMs = frame.replay === true ? Math.min(now, frame.at.seen + aheadMs) : now;
  return { ...base, sinceMs, ttlMs: frame.ttlMs, members: [frame.type === 'test' ? pressedAlertOf(frame) : alertOf(frame)] };
}

/** The frame that would have brought this entry: how it is written down, in words that are read with care already. */
export function frameOf(entry: Entry): EventFrame {
  const { from, seq, sinceMs, ttlMs, members, summed, missed } = entry;
  const [only] = members;
  const base = { op: 'event' as const, seq, from, ...(missed !== undefined && { replay: true }) };
  if (only === undefined || members.length > 1 || summed.length > 0 || entry.isCard === true)
    return { ...base, type: 'summary', d: totalOf(entry) };
  const carried = { ...base, id: only.id, ttlMs, at: { seen: sinceMs, ...(only.blockMs !== undefined && { block: only.blockMs }) } };
  if (isPressed(only))
    return { ...carried, type: 'test', d: { ...only.view, ...(only.replayOf !== undefined && { replayOf: only.replayOf }) } };
  return { ...carried, type: 'tip', state: 'confirmed', rev: 0, d: only.view };
}

/** Of all that it stands for, as far as they are known. */
export const idsIn = ({ counted = [], members }: Entry): string[] => [...counted, ...members.map(({ id }) => id)];

/** A summary that counts none of the tips that are dealt with here; `undefined`: nothing is left of it. */
export function withoutKnown(d: SummaryFrame['d'], isKnown: (id: string) => boolean): SummaryFrame['d'] | undefined {
  const newest = d.newest ?? [];
  const known = newest.filter(({ id }) => isKnown(id));
  const tips = d.tips - known.length;
  if (known.length === 0 || tips <= 0) return tips > 0 ? d : undefined;
  const totals = d.totals.map((total, place) =>
    less(
      total,
      known.filter((tip) => tip.total === place),
    ),
  );
  return { tips, totals, newest: newest.filter((tip) => !known.includes(tip)) };
}

/** Never below nothing: a sum that does not add up is the server's, and no reason to fail. */
function less(total: AmountView, tips: readonly { readonly raw: string }[]): AmountView {
  if (!isNumber(total.raw)) return total;
  const rest = tips.reduce((left, { raw }) => (isNumber(raw) ? left - BigInt(raw) : left), BigInt(total.raw));
  return { ...total, raw: (rest > 0n ? rest : 0n).toString() };
}

const isNumber = (raw: string): boolean => /^\d+$/.test(raw);

/** Whether it may be folded: what is pressed is to be seen, and what is half over goes on. */
export const mayFold = (entry: Entry): boolean => entry.rank !== Rank.goesOn && !entry.members.some(isPressed);

/** It was not handed out yet. */
export const isWaiting = ({ appearances, rank }: Entry): boolean => appearances === 0 && rank !== Rank.goesOn;

/** It was missed, and the catch-up rule has not spoken about it. */
export const isToBeJudged = ({ missed, judged, rank }: Entry): boolean => missed !== undefined && judged !== true && rank !== Rank.goesOn;

/** Tips that reach no tier stand below all others. */
export const priorityOf = ({ priority }: Entry): number => priority ?? -1;

/** Members kept apart, so that one of them can still be retracted; the oldest beyond are only counted. */
const MEMBERS_MAX = 1000;

export function fold(entries: readonly [Entry, ...Entry[]]): Entry {
  const [first] = entries;
  const members = entries.flatMap((entry) => entry.members);
  const beyond = members.splice(0, Math.max(0, members.length - MEMBERS_MAX));
  const summed = entries.flatMap((entry) => entry.summed);
  // What was taken before is written down by itself: only the others hold the cursor back.
  const untaken = entries.filter((entry) => entry.appearances === 0);
  if (beyond.length > 0) summed.push({ tips: beyond.length, totals: addUp(beyond.map((member) => member.view.amount)) });
  return {
    ...first,
    from: Math.min(...(untaken.length > 0 ? untaken : entries).map((entry) => entry.from)),
    seq: Math.max(...entries.map((entry) => entry.seq)),
    sinceMs: Math.max(...entries.map((entry) => entry.sinceMs)),
    rank: Rank.normal,
    missed: entries.find((entry) => entry.missed !== undefined)?.missed,
    tier: entries.every((entry) => entry.tier === first.tier) ? first.tier : undefined,
    priority: entries.every((entry) => entry.priority !== undefined) ? Math.min(...entries.map(priorityOf)) : undefined,
    isCard: entries.some((entry) => entry.isCard === true),
    appearances: untaken.length > 0 ? 0 : first.appearances,
    progress: undefined,
    mayHaveBegun: undefined,
    members,
    summed: summed.length > 1 ? [sumUp(summed)] : summed,
    counted: [...entries.flatMap(({ counted = [] }) => counted), ...beyond.map(({ id }) => id)].slice(-MEMBERS_MAX),
  };
}

export function toAlert(entry: Entry): Alert | undefined {
  const { members, summed, missed, tier, isCard } = entry;
  const [only] = members;
  if (only === undefined && summed.length === 0) return undefined;
  if (only !== undefined && members.length === 1 && summed.length === 0 && isCard !== true)
    return { ...only, replay: only.replay || missed !== undefined };
  return { kind: 'digest', missed: missed !== undefined, tier, ...totalOf(entry) };
}

export const tipsIn = ({ members, summed }: Entry): number => members.length + summed.reduce((tips, part) => tips + part.tips, 0);

function totalOf({ members, summed }: Entry): SummaryFrame['d'] {
  return sumUp([...summed, { tips: members.length, totals: members.map((member) => member.view.amount) }]);
}

function sumUp(parts: readonly SummaryFrame['d'][]): SummaryFrame['d'] {
  return { tips: parts.reduce((tips, part) => tips + part.tips, 0), totals: addUp(parts.flatMap((part) => part.totals)) };
}

function addUp(amounts: readonly AmountView[]): AmountView[] {
  const bySymbol = new Map<string, AmountView>();
  for (const amount of amounts.filter(({ raw }) => isNumber(raw) && BigInt(raw) > 0n)) {
    // Symbols and decimals come from the operator's settings, so the same pair is the same money to a viewer, whatever its chain.
    const key = `${amount.symbol} ${String(amount.decimals)}`;
    const sum = bySymbol.get(key);
    bySymbol.set(key, sum === undefined ? amount : { ...sum, raw: (BigInt(sum.raw) + BigInt(amount.raw)).toString() });
  }
  return [...bySymbol.values()];
}
