import type { FeedPosition } from '../creator-event.js';
import type { ExpectedVersion, Overlay, OverlayGrant } from '../creator.js';
import type { OverlayConfig } from '../overlay-config.js';

/** What an overlay is granted, as of a place in its creator's stream: every change after that is an event behind it. */
export interface OverlayStanding {
  readonly position: FeedPosition;
  readonly grant: OverlayGrant;
}

/**
 * What is done to an overlay beyond its name and its switch. Each change commits, in one statement, what it does and the event that open pages
 * learn it from; the caller drains the creator's relay afterwards. Throws `NotFound` also for an overlay of another creator, and
 * `StorageUnavailable`. Implementation: `PostgresOverlayKeeper`.
 */
export abstract class OverlayKeeper {
  /** Where a page begins that knows nothing yet. `undefined`: there is no such overlay. */
  abstract standing(creatorId: string, overlayId: string): Promise<OverlayStanding | undefined>;
  /**
   * Replaces the whole config if its version is one of the expected, compared where it is set: of many who expect the same version one gets
   * through. The same config again changes nothing, not even the version. Throws `PreconditionFailed`.
   */
  abstract configure(creatorId: string, overlayId: string, config: OverlayConfig, expected: ExpectedVersion): Promise<Overlay>;
  /** Its tokens stop working, and its open pages are closed like those of a disabled one. */
  abstract remove(creatorId: string, overlayId: string): Promise<void>;
  /** Tells the open pages of this overlay to do something (`reload`, …). Returns the id of the event. */
  abstract command(creatorId: string, overlayId: string, action: string): Promise<string>;
}
