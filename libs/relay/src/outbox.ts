import { Injectable, Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { Presence, TipLedger, within } from '@droppio/tips';

/** Who goes first is worth no more waiting than this. */
const PRESENCE_MS = 300;
/** Ages that are asked for in turn to learn how old the oldest unpublished event is: one cheap question while all is well. */
const AGES_S = [1, 2, 5, 10, 30, 60, 300, 1800, 21_600, 86_400];

/** What was committed and is in no feed yet. */
@Injectable()
export class Outbox {
  private readonly log = new Logger('relay');

  constructor(
    private readonly ledger: TipLedger,
    private readonly presence: Presence,
  ) {}

  /** Creators with unpublished events, the oldest first. Throws `StorageUnavailable`. */
  waiting(olderThanMs: number, limit: number): Promise<readonly string[]> {
    return this.ledger.unpublished(olderThanMs, limit);
  }

  /** Those with overlays open before those without, else in the order given; as given where nobody knows. */
  async liveFirst(creatorIds: readonly string[]): Promise<readonly string[]> {
    if (creatorIds.length < 2) return creatorIds;
    try {
      const live = await within(PRESENCE_MS, 'presence', this.presence.counts(creatorIds));
      return [...creatorIds.filter((id) => live.has(id)), ...creatorIds.filter((id) => !live.has(id))];
    } catch (error) {
      this.log.debug('sweep.presence-unknown', errorFields(error));
      return creatorIds;
    }
  }

  /** Age of the oldest, at least, in seconds. `alsoMs`: an age that is worth a question of its own. Throws `StorageUnavailable`. */
  async oldestSeconds(alsoMs: number): Promise<number> {
    let oldest = 0;
    const ages = [...AGES_S, alsoMs / 1000].sort((a, b) => a - b);
    for (const seconds of ages) {
      if ((await this.ledger.unpublished(seconds * 1000, 1)).length === 0) break;
      oldest = seconds;
    }
    return oldest;
  }
}
