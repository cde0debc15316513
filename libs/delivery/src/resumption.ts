import { within, type CreatorEvent, type FeedPosition } from '@droppio/tips';
import { FeedMissing } from './errors.js';
import type { FeedFollower } from './feed-follower.js';

const CATCH_UP_MS = 8000;
const READS_MAX = 4;

/** Where a client goes on, complete up to the follower's head. */
export interface Resumption {
  readonly from: number;
  /** False: events before `from` that the client has not seen are gone, or nothing can be said about them. */
  readonly recovered: boolean;
  /** The lost ones, where they can be named. */
  readonly gap?: { readonly from: number; readonly to: number };
  readonly events: readonly CreatorEvent[];
  readonly source: 'none' | 'ring' | 'feed' | 'restored';
}

/**
 * Finds what a client missed after its cursor. `start` is called in the very moment in which the answer is complete: whoever joins the live
 * channel inside of it misses nothing and gets nothing twice. Rejects (retryable) when the feed cannot be read now.
 */
export async function resume(follower: FeedFollower, cursor: FeedPosition | undefined, start: (found: Resumption) => void): Promise<void> {
  if (cursor === undefined) {
    start({ ...atHead(follower), recovered: true });
    return;
  }
  if (!fits(cursor, follower.position)) await recheck(follower, cursor);
  if (!fits(cursor, follower.position)) {
    start({ ...atHead(follower), recovered: false });
    return;
  }
  await readOn(follower, cursor, start);
}

async function readOn(follower: FeedFollower, cursor: FeedPosition, start: (found: Resumption) => void): Promise<void> {
  const read: CreatorEvent[] = [];
  let from = cursor.seq + 1;
  let source: Resumption['source'] = 'ring';
  for (let reads = 0; reads <= READS_MAX; reads += 1) {
    const last = read.at(-1)?.seq ?? from - 1;
    const rest = follower.ring.after(last, follower.position.seq);
    if (rest !== undefined) {
      const events = [...read, ...rest];
      const gap = from > cursor.seq + 1 ? { from: cursor.seq + 1, to: from - 1 } : undefined;
      const found = events.length === 0 ? 'none' : source;
      start({ from, recovered: gap === undefined, events, source: found, ...(gap === undefined ? {} : { gap }) });
      return;
    }
    const page = await follower.read(last);
    source = page.restored ? 'restored' : source === 'restored' ? source : 'feed';
    if (!page.complete) {
      read.length = 0;
      from = page.events[0]?.seq ?? follower.position.seq + 1;
    }
    read.push(...page.events);
  }
  throw new FeedMissing('Events come faster than they can be read.');
}

/**
 * A cursor ahead of the head was given out by a gateway that knew more: our signal is late, or the feed lost writes. Another epoch: the
 * feed, or the client, is from before a restored backup.
 */
async function recheck(follower: FeedFollower, cursor: FeedPosition): Promise<void> {
  await within(CATCH_UP_MS, 'catching up', follower.catchUp());
  if (fits(cursor, follower.position)) return;
  if (cursor.epoch !== follower.position.epoch && follower.isFreshlyRestored) return;
  await follower.restoreOnClaim();
  await within(CATCH_UP_MS, 'catching up', follower.catchUp());
}

function fits(cursor: FeedPosition, position: FeedPosition): boolean {
  return cursor.epoch === position.epoch && cursor.seq <= position.seq;
}

function atHead(follower: FeedFollower): Omit<Resumption, 'recovered'> {
  return { from: follower.position.seq + 1, events: [], source: 'none' };
}
