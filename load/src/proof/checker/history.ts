import type { Entry } from '../journals/entry.js';
import type { ChainTruth } from '../truth/chain-truth.js';

export interface OverlayFacts {
  readonly who: string;
  readonly creatorId: string;
  /** A page tells what it draws; a client what it takes. */
  readonly kind: 'client' | 'page';
  /** It left then, on purpose: it answers for what stood before. */
  readonly answersUntil?: number;
}

export interface FaultRecord {
  readonly scenario: number;
  readonly name: string;
  readonly from: number;
  /** When it was healed. */
  readonly to: number;
  /** How long after that everything must be on the screen. */
  readonly withinMs: number;
}

export interface TipRow {
  readonly id: string;
  readonly wallet: string;
  readonly from: string;
  readonly token: string;
  readonly amount: string;
  readonly message: string;
  readonly state: string;
  readonly blockHash: string;
  readonly logIndex: number;
}

export interface EventRow {
  readonly creatorId: string;
  readonly seq: number;
  readonly type: string;
  /** Of the tip. */
  readonly id: string;
}

export interface StreamRow {
  readonly creatorId: string;
  readonly epoch: string;
  readonly head: number;
  readonly published: number;
}

/** What a creator was tipped in all, as the API tells it, final tips only; smallest units of the chain's coin. */
export interface TotalRow {
  readonly creatorId: string;
  readonly tips: number;
  readonly amount: string;
}

/** What the bar of a goal widget says, on a page in a real browser, when all is final; smallest units of the chain's coin. */
export interface GoalRow {
  readonly who: string;
  readonly creatorId: string;
  readonly amount: string;
}

export interface VitalsRow {
  readonly process: string;
  readonly what: string;
  readonly before: number;
  readonly after: number;
  /** What it may have grown by. */
  readonly allowed: number;
  /** For whoever has to find out. */
  readonly detail?: string;
}

/** Everything that is known when a run is over. */
export interface History {
  readonly truth: ChainTruth;
  /** Wallet → creator. */
  readonly owners: ReadonlyMap<string, string>;
  /** Tokens that count as money, by address; anybody can make others. */
  readonly listed: ReadonlySet<string>;
  readonly overlays: readonly OverlayFacts[];
  /** In the order of time. */
  readonly entries: readonly Entry[];
  readonly faults: readonly FaultRecord[];
  readonly tips: readonly TipRow[];
  readonly events: readonly EventRow[];
  readonly streams: readonly StreamRow[];
  readonly totals: readonly TotalRow[];
  readonly goals: readonly GoalRow[];
  readonly vitals: readonly VitalsRow[];
  /** Sentences about what still waited in queues. */
  readonly leftovers: readonly string[];
}

export const ANOMALIES = [
  'lost',
  'duplicate',
  'misordered',
  'phantom',
  'altered',
  'cross-tenant',
  'seq-disagrees',
  'stale-reorged',
  'wrong-retract',
  'silent-gap',
  'late-retract',
  'total-mismatch',
  'unrecovered',
  'leak',
  'row-mismatch',
  'backlog',
] as const;
export type AnomalyKind = (typeof ANOMALIES)[number];

export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly what: string;
}

/** What one overlay tells, by kind. */
export interface OverlayStory extends OverlayFacts {
  readonly entries: readonly Entry[];
}

export function storiesOf({ overlays, entries }: History): OverlayStory[] {
  const byOverlay = new Map<string, Entry[]>();
  for (const entry of entries) {
    const own = byOverlay.get(entry.who);
    if (own === undefined) byOverlay.set(entry.who, [entry]);
    else own.push(entry);
  }
  return overlays.map((overlay) => ({ ...overlay, entries: byOverlay.get(overlay.who) ?? [] }));
}

export const kindOf = <K extends Entry['kind']>(entries: readonly Entry[], kind: K): Extract<Entry, { kind: K }>[] =>
  entries.filter((entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind);

/**
 * When the last fault that may have held it up was over; at least `at` and the patience. A fault holds up what was still due when it began: one
 * that begins behind the deadline excuses nothing.
 */
export function freeSince(at: number, until: number, faults: readonly FaultRecord[], minimumMs = 10_000): number {
  const inTurn = [...faults].sort((a, b) => a.from - b.from);
  return inTurn.reduce((due, fault) => {
    const isInTheWay = fault.from <= Math.min(due, until) && fault.to + fault.withinMs >= at;
    return isInTheWay ? Math.max(due, Math.max(at, fault.to) + fault.withinMs) : due;
  }, at + minimumMs);
}
