import { addressee, frameFor, type EventFrame, type SkipFrame, type SummaryFrame } from '@droppio/protocol';
import type { CreatorEvent, TipDisplay, TipEvent } from '@droppio/tips';

type Played = 'frame' | 'skip' | 'summary';

/** How a replay is asked for. */
export interface Replay {
  readonly overlayId: string;
  readonly now: number;
  /** For how long after its block this overlay still plays a tip by itself, where that is longer than the tip's own `ttlMs`. */
  readonly catchUpMs: number;
}

/**
 * What an overlay gets to see of the events it missed, `events` being contiguous. Tips that were taken back meanwhile are not shown at all,
 * tips too old to play come as one `summary` at the place of the last of them, tests that went stale are dropped. Every seq
 * is accounted for: `skip` and `summary` frames stand for a range.
 */
export function replayFrames(events: readonly CreatorEvent[], replay: Replay): readonly EventFrame[] {
  const { overlayId } = replay;
  const plan = planOf(events, replay);
  const lastStale = events.findLast((event) => plan.get(event.seq) === 'summary')?.seq;
  const frames: EventFrame[] = [];
  let skippedFrom: number | undefined;
  for (const event of events) {
    const played = plan.get(event.seq);
    if (played === 'frame') {
      if (skippedFrom !== undefined) frames.push(skip(skippedFrom, event.seq - 1));
      skippedFrom = undefined;
      frames.push(frameFor(event, overlayId, true));
    } else if (event.seq === lastStale) {
      frames.push(summary(skippedFrom ?? event.seq, event.seq, staleTips(events, plan)));
      skippedFrom = undefined;
    } else skippedFrom ??= event.seq;
  }
  const last = events.at(-1);
  if (skippedFrom !== undefined && last !== undefined) frames.push(skip(skippedFrom, last.seq));
  return frames;
}

function planOf(events: readonly CreatorEvent[], replay: Replay): ReadonlyMap<number, Played> {
  const { overlayId, now } = replay;
  const fates = fatesOf(events, replay);
  clearStale(events, fates, overlayId);
  const plan = new Map<number, Played>();
  for (const event of events) plan.set(event.seq, isTip(event) ? tipPlayed(event, fates) : otherPlayed(event, overlayId, now));
  return plan;
}

/** How many tips `replayFrames` does not play one by one, and why. */
export function suppressedIn(
  events: readonly CreatorEvent[],
  replay: Pick<Replay, 'now' | 'catchUpMs'>,
): Readonly<Record<'stale' | 'retracted', number>> {
  const fates = [...fatesOf(events, replay).values()];
  const count = (fate: Fate): number => fates.filter((found) => found === fate).length;
  return { stale: count('stale'), retracted: count('retracted') };
}

type Fate = 'fresh' | 'stale' | 'retracted' | 'cleared';

/** Fates of the tips that began inside the range. Tips that an overlay has shown before are not in here: it must hear all about them. */
function fatesOf(events: readonly CreatorEvent[], { now, catchUpMs }: Pick<Replay, 'now' | 'catchUpMs'>): Map<string, Fate> {
  const fates = new Map<string, Fate>();
  const ageOf = (event: TipEvent): Fate => (isStale(event, now, catchUpMs) ? 'stale' : 'fresh');
  for (const event of events) {
    if (!isTip(event)) continue;
    if (event.type === 'tip') fates.set(event.id, ageOf(event));
    else if (event.type === 'tip.retracted' && fates.has(event.id)) fates.set(event.id, 'retracted');
    // A tip that came back after all, in another block.
    else if (fates.get(event.id) === 'retracted') fates.set(event.id, ageOf(event));
  }
  return fates;
}

/** What the creator has cleared away is not summed up behind that word. The page itself forgets what it is sent one by one. */
function clearStale(events: readonly CreatorEvent[], fates: Map<string, Fate>, overlayId: string): void {
  const clear = events.findLast(
    (event) => event.type === 'control' && event.d.action === 'clear' && (addressee(event) ?? overlayId) === overlayId,
  );
  if (clear === undefined) return;
  for (const { type, id, seq } of events) if (type === 'tip' && seq < clear.seq && fates.get(id) === 'stale') fates.set(id, 'cleared');
}

function tipPlayed(event: TipEvent, fates: ReadonlyMap<string, Fate>): Played {
  const fate = fates.get(event.id) ?? 'fresh';
  if (fate === 'fresh') return 'frame';
  return fate === 'stale' && event.type === 'tip' ? 'summary' : 'skip';
}

function otherPlayed(event: Exclude<CreatorEvent, TipEvent>, overlayId: string, now: number): Played {
  const to = addressee(event);
  if (to !== undefined && to !== overlayId) return 'skip';
  // `ready` has carried the newest config already, and a test is for whoever is looking now. What a command said (pause, …) still holds.
  return event.type === 'config' || (event.type === 'test' && isStale(event, now)) ? 'skip' : 'frame';
}

function isTip(event: CreatorEvent): event is TipEvent {
  return event.type === 'tip' || event.type === 'tip.updated' || event.type === 'tip.retracted';
}

function isStale(event: CreatorEvent, now: number, playsForMs = 0): boolean {
  return now - (event.at.block ?? event.at.seen) > Math.max(event.ttlMs, playsForMs);
}

/** The stale tips as they stand after their updates, each once. */
function staleTips(events: readonly CreatorEvent[], plan: ReadonlyMap<number, Played>): ReadonlyMap<string, TipDisplay> {
  const tips = new Map<string, TipDisplay>();
  for (const event of events) {
    if (isTip(event) && (plan.get(event.seq) === 'summary' || tips.has(event.id))) tips.set(event.id, event.d);
  }
  return tips;
}

function skip(from: number, seq: number): SkipFrame {
  return { op: 'event', type: 'skip', seq, ...(from < seq ? { from } : {}) };
}

/** So many ids at most: what a page may have shown of tips that it asks for again is little, since only some overtake others. */
const NAMED_MAX = 100;

function summary(from: number, seq: number, tips: ReadonlyMap<string, TipDisplay>): SummaryFrame {
  const totals: TipDisplay['amount'][] = [];
  const places = new Map<string, number>();
  const named: { readonly id: string; readonly raw: string; readonly total: number }[] = [];
  for (const [id, { amount }] of tips) {
    // A number that somebody spoilt in the store must not keep the overlay out: the tip counts, its amount cannot.
    if (!/^\d+$/.test(amount.raw)) continue;
    const key = `${String(amount.chainId)} ${amount.token}`;
    const total = places.get(key) ?? totals.length;
    const before = totals[total];
    places.set(key, total);
    totals[total] = before === undefined ? amount : { ...amount, raw: (BigInt(before.raw) + BigInt(amount.raw)).toString() };
    named.push({ id, raw: amount.raw, total });
  }
  const d = { tips: tips.size, totals, newest: named.slice(-NAMED_MAX) };
  return { op: 'event', type: 'summary', seq, ...(from < seq ? { from } : {}), replay: true, d };
}
