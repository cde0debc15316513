import type { FeedPosition } from '../creator-event.js';
import type { Hex } from '../hex.js';
import type { TopOptions } from '../overlay-config.js';
import type { DisplayAmount } from '../tip.js';
import type { TokenKey } from './tip-stats.js';

/** What is added up: one token, or what tips were worth when they were paid. */
export type CountedIn = TokenKey | 'usd';

/** Exact at `position`: all events up to it are in it, none behind it is. */
export interface WidgetReading {
  readonly position: FeedPosition;
  /** The store's clock, Unix milliseconds. */
  readonly atMs: number;
}

export interface GoalReading extends WidgetReading {
  readonly tips: number;
  /** Smallest units of the token, or US dollars; decimal string. */
  readonly amount: string;
}

export interface TickerTip {
  readonly tipId: string;
  /** The block's clock, Unix milliseconds. */
  readonly atMs: number;
  readonly name: string;
  readonly amount: DisplayAmount;
  readonly message: string;
}

export interface TickerReading extends WidgetReading {
  /** By the block's clock, newest first; of the same second in the order in which they came, the last first. */
  readonly tips: readonly TickerTip[];
  /** There are no others. */
  readonly isWhole: boolean;
}

export interface BoardTipper {
  readonly from: Hex;
  readonly tips: number;
  /** As in a goal. */
  readonly amount: string;
}

export interface BoardReading extends WidgetReading {
  /** Most first, by address among equals. */
  readonly tippers: readonly BoardTipper[];
  readonly isWhole: boolean;
  /** The span that is counted, by the blocks' clocks, Unix milliseconds; `all` has neither. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/**
 * What the widgets of a creator's overlays show. Counts the tips that he was told of and that were not taken back: what an overlay page that
 * had heard every event would count. Tips that are held or rejected, tests and replays never count. Where a creator hides senders now, none is
 * named, whenever he tipped. `undefined`: no such creator. Throws `StorageUnavailable`. Implementation: `PostgresWidgetBoard`.
 */
export abstract class WidgetBoard {
  /** Tips of blocks from `sinceMs` on; 0: all. In dollars those whose worth is known. */
  abstract goal(creatorId: string, counted: CountedIn, sinceMs: number): Promise<GoalReading | undefined>;
  /** At most 100. */
  abstract ticker(creatorId: string, limit: number): Promise<TickerReading | undefined>;
  /** At most 100. Days begin at midnight UTC, weeks on Monday. */
  abstract top(creatorId: string, counted: CountedIn, period: TopOptions['period'], limit: number): Promise<BoardReading | undefined>;
}
