import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  BrokerUnavailable,
  Clock,
  EventRelay,
  RelayQueue,
  TipFeed,
  TipLedger,
  type AppendOutcome,
  type CreatorEvent,
  type FeedPosition,
} from '@droppio/tips';
import { FeedHeads } from './feed-heads.js';
import { RelayMetrics } from './metrics.js';
import { PublishedMarks } from './published-marks.js';
import { SingleFlight } from './single-flight.js';

/** Events read at once, and what a feed is rebuilt from. */
const PAGE = 256;
/** Appends on their way at once; the feed takes them in order, and refuses the rest after one that failed. */
const PIPELINE = 32;
/** The feed of a creator that does not exist: no events, no overlays. */
const NOBODY: FeedPosition = { epoch: 'nobody', seq: 0 };
/** Rounds without any progress before a drain is left to the retry. */
const PATIENCE = 5;

/**
 * Moves a creator's committed events from the ledger into the feed, in order and without holes. Two of them at once (in one process or
 * in several) are harmless: the feed refuses what it has. On the usual way one read and one append: where the feed is, is remembered.
 */
@Injectable()
export class CreatorRelay extends EventRelay implements BeforeApplicationShutdown {
  private readonly log = new Logger('relay');
  private readonly drains = new SingleFlight();
  private readonly restores = new SingleFlight();
  private readonly heads: FeedHeads;
  private readonly marks: PublishedMarks;

  constructor(
    private readonly ledger: TipLedger,
    private readonly feed: TipFeed,
    private readonly queue: RelayQueue,
    private readonly clock: Clock,
    private readonly metrics: RelayMetrics,
  ) {
    super();
    this.heads = new FeedHeads(() => clock.now());
    this.marks = new PublishedMarks(ledger, clock);
  }

  override async drain(creatorId: string): Promise<void> {
    try {
      await this.publish(creatorId);
    } catch (error) {
      this.log.warn('drain.failed', { creatorId, ...errorFields(error) });
      void this.askForRetry(creatorId);
    }
  }

  /** `drain` for whoever retries by himself: rejects with what went wrong. */
  publish(creatorId: string): Promise<void> {
    return this.drains.run(creatorId, () => this.metrics.timedDrain(this.drainOnce(creatorId)));
  }

  /** Rebuilds the creator's feed from the ledger, if the feed does not know more. Rejects with what went wrong. */
  restore(creatorId: string): Promise<void> {
    return this.restores.run(creatorId, () => this.restoreOnce(creatorId));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.marks.close();
  }

  private async askForRetry(creatorId: string): Promise<void> {
    try {
      await this.queue.nudge({ creatorId, task: 'drain' });
    } catch (error) {
      // The sweep finds it.
      this.log.debug('nudge.failed', { creatorId, ...errorFields(error) });
    }
  }

  private async drainOnce(creatorId: string): Promise<void> {
    try {
      const remembered = this.heads.get(creatorId);
      const found = remembered !== undefined && (await this.publishAfter(creatorId, remembered));
      // Nothing after the remembered head: published by others, or the memory is wrong. An old memory is checked once the event is out.
      if (!found || this.heads.isOld(creatorId)) await this.catchUp(creatorId);
    } catch (error) {
      this.heads.forget(creatorId);
      throw error;
    }
  }

  private async catchUp(creatorId: string): Promise<void> {
    const [known, committed] = await Promise.all([this.feed.position(creatorId), this.ledger.position(creatorId)]);
    if (committed === undefined) return;
    if (known?.epoch !== committed.epoch) {
      await this.restore(creatorId);
      return;
    }
    this.heads.verified(creatorId, known);
    if (known.seq > committed.seq) await this.checkAhead(creatorId, known);
    else if (known.seq < committed.seq) await this.publishAfter(creatorId, known);
    else this.marks.note(creatorId, known.seq);
  }

  /** Usually somebody committed and published between our two reads. */
  private async checkAhead(creatorId: string, known: FeedPosition): Promise<void> {
    const committed = await this.ledger.position(creatorId);
    if (committed?.epoch !== known.epoch || committed.seq >= known.seq) return;
    // Only a database that was put back without a new epoch is behind what it has published. Its numbers repeat: a person must look.
    this.log.error('feed.ahead', { creatorId, feed: known.seq, ledger: committed.seq });
  }

  /** Appends everything after `start`. False: there was nothing. */
  private async publishAfter(creatorId: string, start: FeedPosition): Promise<boolean> {
    let head = start;
    let stuck = 0;
    for (let round = 0; ; round += 1) {
      const events = await this.ledger.eventsAfter(creatorId, head.seq, PAGE);
      if (events.length === 0) return round > 0;
      const reached = await this.appendAll(creatorId, head.epoch, events);
      // It lost its keys; or the ledger no longer has what comes right after its head.
      const apart = reached === undefined || reached === head.seq;
      const next = apart ? await this.restored(creatorId) : { epoch: head.epoch, seq: reached };
      stuck = next.seq > head.seq ? 0 : stuck + 1;
      if (stuck >= PATIENCE) throw new BrokerUnavailable('The feed keeps losing what it was given.');
      head = next;
      this.heads.moved(creatorId, head);
      this.marks.note(creatorId, head.seq);
      if (reached !== undefined && reached >= (events.at(-1)?.seq ?? 0) && events.length < PAGE) return true;
    }
  }

  /** The feed's head after the appends; `undefined` when it has to be restored. */
  private async appendAll(creatorId: string, epoch: string, events: readonly CreatorEvent[]): Promise<number | undefined> {
    let head = 0;
    for (let from = 0; from < events.length; from += PIPELINE) {
      const batch = events.slice(from, from + PIPELINE);
      const outcomes = await Promise.all(batch.map((event) => this.append(creatorId, epoch, event)));
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.kind === 'missing') return undefined;
        if (outcome.kind === 'gap') return outcome.head;
        const event = batch[i];
        if (outcome.kind === 'appended' && event !== undefined) this.metrics.published(event, this.clock.now());
        head = outcome.kind === 'duplicate' ? Math.max(head, outcome.head) : (event?.seq ?? head);
      }
    }
    return head;
  }

  private async append(creatorId: string, epoch: string, event: CreatorEvent): Promise<AppendOutcome> {
    const stamped = { ...event, at: { ...event.at, pub: this.clock.now() } };
    const span = this.metrics.span(event);
    if (span === undefined) return this.feed.append(creatorId, epoch, stamped);
    const outcome = await span.run(() => this.feed.append(creatorId, epoch, { ...stamped, trace: span.parent }));
    // Whoever came too late has published nothing.
    if (outcome.kind === 'appended') span.end();
    return outcome;
  }

  private async restored(creatorId: string): Promise<FeedPosition> {
    await this.restore(creatorId);
    const position = this.heads.get(creatorId);
    if (position === undefined) throw new BrokerUnavailable('The feed could not be restored.', { context: { creatorId } });
    return position;
  }

  private async restoreOnce(creatorId: string): Promise<void> {
    const snapshot = await this.ledger.snapshot(creatorId, PAGE);
    if (snapshot === undefined) {
      // Whoever asked then knows, and need not ask again.
      await this.feed.restore(creatorId, { position: NOBODY, events: [], grants: [] });
      this.metrics.restored('no-creator');
      this.log.warn('restore.no-creator', { creatorId });
      return;
    }
    await this.feed.restore(creatorId, snapshot);
    this.heads.verified(creatorId, snapshot.position);
    this.marks.note(creatorId, snapshot.position.seq);
    this.metrics.restored('restored');
    this.log.log('feed.restored', { creatorId, seq: snapshot.position.seq });
  }
}
