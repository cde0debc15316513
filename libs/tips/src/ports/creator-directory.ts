import type { Creator, Overlay } from '../creator.js';
import type { Hex } from '../hex.js';
import type { OverlayConfig } from '../overlay-config.js';
import type { TipDisplay } from '../tip.js';

export interface NewCreator {
  readonly handle: string;
  readonly displayName: string;
  readonly wallets: readonly Hex[];
  /** As in `CreatorWallet`, for all of them. */
  readonly provenOn?: number;
  /** SHA-256 of a first access token with every scope; the token itself is never stored. Absent: the creator signs in with a wallet only. */
  readonly accessTokenHash?: Uint8Array;
}

export interface CreatorChange {
  /** One of another creator's is a `Conflict`. The old one is free at once. */
  readonly handle?: string;
  readonly displayName?: string;
  /** See `MOST_ALERT_AFTER`. Holds for tips that come from now on. */
  readonly alertAfter?: number;
  readonly listed?: boolean;
}

export interface OverlayChange {
  readonly name?: string;
  readonly enabled?: boolean;
  /** Raise the version, so that every token handed out before stops working. */
  readonly rotate?: boolean;
}

/** Overlays of one creator. */
export const OVERLAYS_MAX = 100;

/**
 * Creators and their overlays. Every change that open overlays must learn of commits its `config` or `test` event in the same transaction;
 * the caller drains the creator's relay afterwards. Throws `Conflict`, `NotFound`, `StorageUnavailable`. Implementation: `PostgresCreatorDirectory`.
 */
export abstract class CreatorDirectory {
  /** A second creator with the same handle or wallet is a `Conflict`. */
  abstract createCreator(creator: NewCreator): Promise<Creator>;
  abstract creator(id: string): Promise<Creator | undefined>;
  abstract creatorByHandle(handle: string): Promise<Creator | undefined>;
  abstract creatorByWallet(wallet: Hex): Promise<Creator | undefined>;
  abstract changeCreator(id: string, change: CreatorChange): Promise<Creator>;
  /** Throws `LimitReached` for one more than `OVERLAYS_MAX`, also when many are made at once. */
  abstract createOverlay(creatorId: string, name: string, config: OverlayConfig): Promise<Overlay>;
  abstract overlays(creatorId: string): Promise<readonly Overlay[]>;
  /** `undefined` also when it belongs to another creator. */
  abstract overlay(creatorId: string, overlayId: string): Promise<Overlay | undefined>;
  abstract changeOverlay(creatorId: string, overlayId: string, change: OverlayChange): Promise<Overlay>;
  /** Commits a `test` event for one overlay. Returns its id. */
  abstract testAlert(creatorId: string, overlayId: string, display: TipDisplay): Promise<string>;
}
