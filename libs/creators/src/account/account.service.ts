import { Injectable, Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { AccountData, EventRelay, NotFound, Retention, within, type Creator, type TipKey } from '@droppio/tips';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Counter } from 'prom-client';
import { InvalidRequest } from '../errors.js';
import { ERASED_MESSAGES } from '../metrics.js';
import { FeedCleaner } from './feed-cleaner.js';

const FEED_WAIT_MS = 3000;
const ERASE_WAIT_MS = 2000;
const TIPS_AT_ONCE = 500;

/** An account as a whole, and leaving. */
@Injectable()
export class AccountService {
  private readonly logger = new Logger('creators');

  constructor(
    private readonly data: AccountData,
    private readonly retention: Retention,
    private readonly cleaner: FeedCleaner,
    private readonly relay: EventRelay,
    @InjectMetric(ERASED_MESSAGES) private readonly erased: Counter,
  ) {}

  /**
   * Gone for everybody when this resolves, in one transaction. Then open overlays are closed and messages of the tips erased; whatever of that
   * does not happen at once is noted, and `Housekeeping` sees to it.
   */
  async remove(creator: Creator, handle: string): Promise<void> {
    if (handle !== creator.handle) {
      throw new InvalidRequest('Name your own handle, to say that you mean it.', [
        { in: 'body', pointer: '/handle', message: 'is not the handle of this account' },
      ]);
    }
    const gone = await this.data.remove(creator.id);
    if (gone === undefined) throw new NotFound('The account is gone already.');
    this.logger.log('account.deleted', { creatorId: creator.id });
    await this.soon(FEED_WAIT_MS, this.cleaner.empty(gone));
    await this.soon(ERASE_WAIT_MS, this.eraseTips(ERASE_WAIT_MS));
  }

  /** In the ledger and in the feed. Overlays that are open hear of it as of every change of a tip. False: the creator has no such tip. */
  async eraseMessage(creatorId: string, tip: TipKey): Promise<boolean> {
    if (!(await this.data.eraseMessage(creatorId, tip))) return false;
    await this.relay.drain(creatorId);
    await this.cleaner.rewrite(creatorId);
    this.erased.inc({ why: 'asked' });
    return true;
  }

  private async eraseTips(forMs: number): Promise<void> {
    const until = performance.now() + forMs;
    while (performance.now() < until && (await this.retention.eraseOfGone(TIPS_AT_ONCE)) > 0);
  }

  private async soon(ms: number, work: Promise<void>): Promise<void> {
    await within(ms, 'clearing up after an account', work).catch((error: unknown) => {
      this.logger.warn('account.clearing-later', errorFields(error));
    });
  }
}
