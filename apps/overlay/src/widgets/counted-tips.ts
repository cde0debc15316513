import type { TipFrame } from '@droppio/protocol';

/** Tips whose part is remembered; who takes back an older one has to be asked about. */
const KNOWN_MAX = 500;

/** What a tip that this page has heard of adds: to whom, and how much. `undefined`: it counts nothing, or nothing now. */
export interface Part {
  readonly from: string;
  readonly amount: bigint;
}
export type Known = ReadonlyMap<string, Part | undefined>;

export interface Change {
  readonly known: Known;
  readonly before: Part | undefined;
  readonly after: Part | undefined;
}

/** An event cannot be counted from what this page knows: the server has to be asked. */
export const UNSURE = 'unsure';
export type Unsure = typeof UNSURE;

/**
 * What one event changes. `partOf` says what a tip counts as it is told; `unsure` where that cannot be said. A tip that was told of before
 * this page began to listen is in the figures that it began with, with a part that only the server knows.
 */
export function changeBy(
  known: Known,
  frame: TipFrame,
  partOf: (frame: TipFrame) => Part | Unsure | undefined,
): Change | Unsure | undefined {
  const isKnown = known.has(frame.id);
  // Raised by the chain's own marks: nothing of what is counted changes from there on.
  const isSettled = frame.state === 'safe' || frame.state === 'finalized';
  if (frame.type === 'tip.updated' && !isKnown && isSettled) return undefined;
  if (frame.type !== 'tip' && !isKnown) return UNSURE;
  const after = frame.type === 'tip.retracted' ? undefined : partOf(frame);
  if (after === UNSURE) return UNSURE;
  return { known: remembering(known, frame.id, after), before: known.get(frame.id), after };
}

/** Smallest units as the frame tells them. */
export function rawOf({ d }: TipFrame): bigint | undefined {
  return /^\d{1,78}$/.test(d.amount.raw) ? BigInt(d.amount.raw) : undefined;
}

function remembering(known: Known, id: string, part: Part | undefined): Known {
  const next = new Map(known);
  next.delete(id);
  next.set(id, part);
  for (const oldest of next.keys()) {
    if (next.size <= KNOWN_MAX) break;
    next.delete(oldest);
  }
  return next;
}
