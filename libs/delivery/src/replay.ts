import { addressee, frameFor, type EventFrame, type SkipFrame, type SummaryFrame } from '@droppio/protocol';
import type { CreatorEvent, TipDisplay, TipEvent } from '@droppio/tips';

type Played = 'frame' | 'skip' | 'summary';

/**
 * What an overlay gets to see of the events it missed, `events` being contiguous. Tips that were taken back meanwhile are not shown at all,
 * tips too old to play come as one `summary` at the place of the last of them, tests that went stale are dropped. Every seq
 * is accounted for: `skip` and `summary` frames stand for a range.
 */
export function replayFrames(events: readonly CreatorEvent[], overlayId: string, now: number): readonly EventFrame[] {
  const plan = planOf(events, overlayId, now);
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

function planOf(events: readonly CreatorEvent[], overlayId: string, now: number): ReadonlyMap<number, Played> {
  const fates = fatesOf(events, now);
  const plan = new Map<number, Played>();
  for (const event of events) plan.set(event.seq, isTip(event) ? tipPlayed(event, fates) : otherPlayed(event, overlayId, now));
  return plan;
}

/** How many tips `replayFrames` does not play one by one, and why. */
export function suppressedIn(events: readonly CreatorEvent[], now: number): Readonly<Record<'stale' | 'retracted', number>> {
  const fates = [...fatesOf(events, now).values()];
  const count = (fate: Fate): number => fates.filter((found) => found === fate).length;
  return { stale: count('stale'), retracted: count('retracted') };
}

type Fate = 'fresh' | 'stale' | 'retracted';

/** Fates of the tips that began inside the range. Tips that an overlay has shown before are not in here: it must hear all about them. */
function fatesOf(events: readonly CreatorEvent[], now: number): ReadonlyMap<string, Fate> {
  const fates = new Map<string, Fate>();
  for (const event of events) {
    if (!isTip(event)) continue;
    if (event.type === 'tip') fates.set(event.id, isStale(event, now) ? 'stale' : 'fresh');
    else if (event.type === 'tip.retracted' && fates.has(event.id)) fates.set(event.id, 'retracted');
    // A tip that came back after all, in another block.
    else if (fates.get(event.id) === 'retracted') fates.set(event.id, isStale(event, now) ? 'stale' : 'fresh');
  }
  return fates;
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

function isStale(event: CreatorEvent, now: number): boolean {
  return now - (event.at.block ?? event.at.seen) > event.ttlMs;
}

/** The stale tips as they stand after their updates, each once. */
function staleTips(events: readonly CreatorEvent[], plan: ReadonlyMap<number, Played>): readonly TipDisplay[] {
  const tips = new Map<string, TipDisplay>();
  for (const event of events) {
    if (isTip(event) && (plan.get(event.seq) === 'summary' || tips.has(event.id))) tips.set(event.id, event.d);
  }
  return [...tips.values()];
}

function skip(from: number, seq: number): SkipFrame {
  return { op: 'event', type: 'skip', seq, ...(from < seq ? { from } : {}) };
}

function summary(from: number, seq: number, tips: readonly TipDisplay[]): SummaryFrame {
  const totals = new Map<string, TipDisplay['amount']>();
  for (const { amount } of tips) {
    // A number that somebody spoilt in the store must not keep the overlay out: the tip counts, its amount cannot.
    if (!/^\d+$/.test(amount.raw)) continue;
    const key = `${String(amount.chainId)} ${amount.token}`;
    const before = totals.get(key);
    totals.set(key, before === undefined ? amount : { ...amount, raw: (BigInt(before.raw) + BigInt(amount.raw)).toString() });
  }
  const d = { tips: tips.length, totals: [...totals.values()] };
  return { op: 'event', type: 'summary', seq, ...(from < seq ? { from } : {}), replay: true, d };
}
