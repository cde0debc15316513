import type { FeedPosition } from '../creator-event.js';
import type { TipKey } from '../tip.js';

/** An account that is gone. Its feed is to be left empty at this place, so that gateways close what is open of it. */
export interface GoneAccount {
  readonly creatorId: string;
  readonly position: FeedPosition;
}

/**
 * An account as a whole: all that is held of it, and its end. Throws `StorageUnavailable`, `NotFound`. Implementation: `PostgresAccountData`.
 */
export abstract class AccountData {
  /** The parts of an export, in order. */
  abstract readonly sections: readonly string[];
  /**
   * The rows of a part, each a JSON object as it is stored, without what opens anything (secrets, their hashes). Read in batches of bounded
   * size, each for itself: what changes meanwhile may be in one part and not in another. Of an account that is gone: nothing.
   */
  abstract rows(creatorId: string, section: string): AsyncIterable<readonly string[]>;
  /**
   * Removes the account and whatever belongs to it alone, at once for everybody. Tips stay, as facts of the chain: that their messages go, those
   * to wallets that left it before included, is noted in the same transaction, and so is that the feed is to be emptied, for `Retention` to see
   * to. What the account had told (events that are published and planned, audit entries) is removed in batches before: a call that is cut off half
   * way has done that much, and may be repeated. `undefined`: no such account.
   */
  abstract remove(creatorId: string): Promise<GoneAccount | undefined>;
  /**
   * Erases the message of one tip to this creator, or of one that he was told of while the wallet was his: in the tip, in what was seen of it on
   * any branch and in all events about it. Its stream is told with a `tip.updated`, if it had been told of the tip. No block brings the message
   * back to its tip, whatever becomes of it. False: the
   * creator has no such tip. May be repeated.
   */
  abstract eraseMessage(creatorId: string, tip: TipKey): Promise<boolean>;
}
