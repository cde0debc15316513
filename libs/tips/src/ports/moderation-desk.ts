import type { ExpectedVersion } from '../creator.js';
import type { ModerationRules, Screening, ScreeningReason } from '../moderation.js';
import type { TipDisplay, TipKey, TipState } from '../tip.js';

export interface ModerationDocument {
  /** From 1, raised by every change. */
  readonly version: number;
  readonly rules: ModerationRules;
}

/** A tip as a moderator sees it. */
export interface ModeratedTip extends TipKey {
  readonly state: TipState;
  readonly screening: Screening;
  /** Why it is held or rejected; `person` for what a person decided. */
  readonly reason?: ScreeningReason;
  /** As the chain has it. */
  readonly display: TipDisplay;
  /** As overlays see it, or would. */
  readonly shown: TipDisplay;
  readonly blockTimestampMs: number;
}

export interface AlertQuery {
  readonly creatorId: string;
  /** `held`: only what still stands on its chain. */
  readonly screening: Exclude<Screening, 'waiting'>;
  readonly limit: number;
  /** Opaque: the `next` of the page before. */
  readonly cursor?: string;
}

export interface AlertPage {
  readonly tips: readonly ModeratedTip[];
  readonly next?: string;
}

/** What the creator's overlays are told to do with what waits for the screen. */
export interface AlertQueue {
  /** Alerts wait. */
  readonly paused: boolean;
  /** Alerts play without sound. */
  readonly muted: boolean;
}

/**
 * What a creator lets on the screen, and the people who decide in his name. Every change that overlays must learn of commits its events in the same
 * transaction; the caller drains the creator's relay afterwards. Throws `NotFound`, `PreconditionFailed`, `AlertSettled`, `InvalidCursor`,
 * `StorageUnavailable`. Implementation: `PostgresModerationDesk`.
 */
export abstract class ModerationDesk {
  abstract rules(creatorId: string): Promise<ModerationDocument>;
  /**
   * Holds for every tip that is told after it returns, also one that is being committed right now. Tips that wait to be screened are judged by the
   * new rules (the caller has them screened: `TipLedger.screen`); what is held or rejected stays so.
   */
  abstract setRules(creatorId: string, expected: ExpectedVersion, rules: ModerationRules): Promise<ModerationDocument>;
  /** Newest first. Tips of times without rules are not in here, but in the history. */
  abstract alerts(query: AlertQuery): Promise<AlertPage>;
  /** Tells of a held tip, as the rules of now let it be seen. One that is shown already stays so; of any other: `AlertSettled`. */
  abstract approve(creatorId: string, tip: TipKey): Promise<ModeratedTip>;
  /** A held tip will never be told. One that is rejected already stays so; of any other: `AlertSettled`. */
  abstract reject(creatorId: string, tip: TipKey): Promise<ModeratedTip>;
  /**
   * Takes the message of a tip off the screen that was told and still stands, and keeps it from replays: overlays learn of it at once. The tip stays,
   * and so does its text in the history. A second time changes nothing. Of any other tip: `AlertSettled`.
   */
  abstract hideMessage(creatorId: string, tip: TipKey): Promise<ModeratedTip>;
  /**
   * Plays a tip once more that was told and still stands, as the rules of now let it be seen: what they would hold or reject has no message, unless a
   * person has let it through and they would only hold it. Counts nowhere. Returns the event's id.
   */
  abstract replay(creatorId: string, tip: TipKey): Promise<string>;
  abstract queue(creatorId: string): Promise<AlertQueue>;
  /** Open overlays learn of it at once, others when they connect. */
  abstract setQueue(creatorId: string, queue: AlertQueue): Promise<AlertQueue>;
  /** `skip`: ends what is on the screen; `clear`: drops what waits. Only for overlays that are open now. Returns the event's id. */
  abstract command(creatorId: string, action: 'skip' | 'clear'): Promise<string>;
}
