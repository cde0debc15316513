import type { Clock, OverlayTier } from '@droppio/tips';
import type { TipAlert } from './alert.js';
import type { CatchUpRule } from './catch-up.js';

export interface InboxListener {
  /** There may be something to `take`. */
  waiting(): void;
  /** Something about a tip that was taken has changed (a reorg moved it, a name was found). */
  patched?(alert: TipAlert): void;
}

/** How a tip takes its place among the others that wait. */
export type Place = Pick<OverlayTier, 'id' | 'queue'> & Partial<Pick<OverlayTier, 'priority'>>;

export interface InboxOptions {
  readonly clock?: Clock;
  /** More alerts than this waiting are folded into one card. */
  readonly burst?: number;
  /** Asked when a tip comes; `undefined`: at the end of the line. */
  readonly placeOf?: (alert: TipAlert) => Place | undefined;
  /** Asked when the page is back. */
  readonly catchUp?: () => CatchUpRule;
  /** The page before was in this very tab, so that everything it wrote is there. */
  readonly isSameTab?: boolean;
  /** Ids that other pages of this overlay have begun to show. */
  readonly shownElsewhere?: () => readonly string[];
}

export const BURST = 15;
export const CATCH_UP: CatchUpRule = { mode: 'digest', maxAgeSec: 600, maxAlerts: 10 };
