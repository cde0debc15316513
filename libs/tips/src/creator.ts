import type { Hex } from './hex.js';

export interface Creator {
  /** UUID. */
  readonly id: string;
  /** Lower-case public name, `[a-z0-9_-]{3,32}`. */
  readonly handle: string;
  readonly displayName: string;
  readonly wallets: readonly Hex[];
  readonly createdAt: Date;
}

export interface Overlay {
  /** UUID. */
  readonly id: string;
  readonly creatorId: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Raised to revoke every token handed out before. */
  readonly version: number;
  readonly config: OverlayConfig;
  readonly createdAt: Date;
}

/** The look of an overlay as its page receives it. JSON-safe. */
export interface OverlayConfig {
  readonly schemaVersion: 1;
  /** How long an alert stays on screen, 2000–30000 ms. */
  readonly durationMs: number;
}

export const DEFAULT_OVERLAY_CONFIG: OverlayConfig = { schemaVersion: 1, durationMs: 8000 };

/** What a gateway must know of an overlay to admit a socket: the feed carries it, so a gateway needs no database. */
export interface OverlayGrant {
  readonly overlayId: string;
  readonly version: number;
  readonly enabled: boolean;
  readonly config: OverlayConfig;
}
