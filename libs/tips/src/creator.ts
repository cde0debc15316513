import type { Hex } from './hex.js';
import type { ConfigDocument, OverlayConfig } from './overlay-config.js';

export interface Creator {
  /** UUID. */
  readonly id: string;
  /** Lower-case public name, `[a-z0-9_-]{3,32}`. */
  readonly handle: string;
  readonly displayName: string;
  readonly wallets: readonly Hex[];
  readonly alertAfter: number;
  /** Whether strangers may look the creator up by handle. */
  readonly listed: boolean;
  readonly createdAt: Date;
}

/**
 * Blocks that a tip must have, its own included, before its creator hears of it: 1 as soon as a block holds it; 0 as soon as a node promises
 * it, on chains with preconfirmations (1 on all others). A chain's own `confirmations` come first.
 */
export const MOST_ALERT_AFTER = 64;

export interface Overlay {
  /** UUID. */
  readonly id: string;
  readonly creatorId: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Raised to revoke every token handed out before. */
  readonly version: number;
  readonly config: OverlayConfig;
  /** Raised by each change of the config. */
  readonly configVersion: number;
  readonly createdAt: Date;
}

/** The versions of a document that a change may replace: the one that its author has read, or whatever is there. */
export type ExpectedVersion = readonly number[] | 'any';

/** What a gateway must know of an overlay to admit a socket: the feed carries it, so a gateway needs no database. */
export interface OverlayGrant {
  readonly overlayId: string;
  readonly version: number;
  readonly enabled: boolean;
  readonly config: ConfigDocument;
}
