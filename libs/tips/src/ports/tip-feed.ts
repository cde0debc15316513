import type { CreatorEvent, FeedPosition } from '../creator-event.js';
import type { OverlayGrant } from '../creator.js';
import type { FeedSnapshot } from './tip-ledger.js';

export type AppendOutcome =
  | { readonly kind: 'appended' }
  /** The feed has this seq or a later one. */
  | { readonly kind: 'duplicate'; readonly head: number }
  /** Events between `head` and this one are missing: append those first. */
  | { readonly kind: 'gap'; readonly head: number }
  /** The feed knows nothing of this creator, or another epoch of it: restore. */
  | { readonly kind: 'missing' };

/** Live words from a creator's channel, in order of publishing; a hint that may be lost at any time, so check `seq`. */
export type FeedSignal =
  | { readonly kind: 'event'; readonly epoch: string; readonly event: CreatorEvent }
  | { readonly kind: 'restored'; readonly position: FeedPosition }
  /** The subscription was interrupted: anything may have been missed. */
  | { readonly kind: 'reconnected' };

export interface FeedPage {
  readonly position: FeedPosition;
  /** Contiguous, starting right after the asked seq; may end before the head when limited. */
  readonly events: readonly CreatorEvent[];
  /** False when events right after the asked seq are no longer kept. */
  readonly complete: boolean;
}

export interface FeedSubscription {
  close(): Promise<void>;
}

/**
 * The short memory between storage and gateways: per creator the newest ~256 events, the head and the overlays' grants. Holds no truth and
 * may be emptied at any time. `append` is atomic with its history and its live signal, refuses duplicates and holes, and may be called
 * by several processes at once. Throws `BrokerUnavailable`. Implementations: `MemoryTipFeed`, `PostgresTipFeed`, `RedisTipFeed`.
 */
export abstract class TipFeed {
  /** A `config` event also replaces its overlay's grant, in the same step. */
  abstract append(creatorId: string, epoch: string, event: CreatorEvent): Promise<AppendOutcome>;
  /** `undefined`: nothing is known of this creator (expired, flushed, lost in a failover). */
  abstract position(creatorId: string): Promise<FeedPosition | undefined>;
  abstract after(creatorId: string, seq: number, limit: number): Promise<FeedPage | undefined>;
  /** `'unknown'`: the creator's keys are missing, so nothing can be said. `undefined`: no such overlay. */
  abstract grant(creatorId: string, overlayId: string): Promise<OverlayGrant | 'unknown' | undefined>;
  /**
   * Rewrites everything of a creator and signals `restored`. A snapshot of the same epoch whose head is behind the feed's changes nothing:
   * somebody appended meanwhile.
   */
  abstract restore(creatorId: string, snapshot: FeedSnapshot): Promise<void>;
  /**
   * Leaves nothing of a creator but where its stream ended, and signals `restored`. From then on a snapshot of that epoch changes nothing,
   * whatever its head: whoever read one before the end may still be on his way with it.
   */
  abstract end(creatorId: string, position: FeedPosition): Promise<void>;
  /** Resolves once subscribed, so that whatever is appended after is signalled. The listener must not throw. */
  abstract subscribe(creatorId: string, listener: (signal: FeedSignal) => void): Promise<FeedSubscription>;
  /** Round trip to the store behind; rejects with `BrokerUnavailable` within 2 s when it does not answer. */
  abstract ping(): Promise<void>;
  abstract close(): Promise<void>;
}
