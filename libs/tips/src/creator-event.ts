import type { OverlayGrant } from './creator.js';
import type { TipDisplay, TipState } from './tip.js';

/** How long after its block a replayed tip still plays as an alert of its own, unless its overlay asks for longer; older ones arrive summed up. */
export const TIP_TTL_MS = 600_000;

/** Unix milliseconds: the block's clock, when the listener received its header (or the API the request), when the relay published. */
export interface EventTimes {
  readonly block?: number;
  readonly seen: number;
  readonly pub?: number;
}

interface EventBase {
  /** Gapless per creator, from 1, given in the transaction that stored the event. */
  readonly seq: number;
  /** Same id = same thing: `tipId` for tip events, the overlay id for config, a UUID for test and control. */
  readonly id: string;
  readonly at: EventTimes;
  readonly ttlMs: number;
  /** W3C `traceparent` of its publishing, on its way through a feed; nobody stores it, and overlays do not receive it. */
  readonly trace?: string | undefined;
}

export interface TipEvent extends EventBase {
  readonly type: 'tip' | 'tip.updated' | 'tip.retracted';
  readonly state: TipState;
  /** Raised by one per visible change of the tip. */
  readonly rev: number;
  readonly d: TipDisplay;
}

/**
 * An alert that is never counted: a test, drawn with a mark, or with `replayOf` (a tip's id) a tip that is played once more. `overlayId` limits it
 * to one overlay.
 */
export interface TestEvent extends EventBase {
  readonly type: 'test';
  readonly d: TipDisplay & { readonly overlayId?: string; readonly replayOf?: string };
}

/** An overlay was created, changed, disabled or its token rotated. Carries the whole new grant. */
export interface ConfigEvent extends EventBase {
  readonly type: 'config';
  readonly d: OverlayGrant;
}

/** A command of the creator to the page (skip, pause, …). */
export interface ControlEvent extends EventBase {
  readonly type: 'control';
  readonly d: { readonly action: string; readonly overlayId?: string };
}

/** One row of `creator_events`: what a feed carries and an overlay receives. JSON-safe. */
export type CreatorEvent = TipEvent | TestEvent | ConfigEvent | ControlEvent;
export type EventType = CreatorEvent['type'];

/** A place in a creator's stream. Another epoch means the numbering was started anew (a restored backup), so seqs do not compare. */
export interface FeedPosition {
  readonly epoch: string;
  readonly seq: number;
}
