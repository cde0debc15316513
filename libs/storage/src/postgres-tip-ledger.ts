import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import {
  Clock,
  TipLedger,
  type BackfillBlock,
  type BackfillOutcome,
  type BackfillRange,
  type BlockCommit,
  type BlockHeader,
  type BlockRange,
  type BlockRef,
  type ChainCursor,
  type CommitOutcome,
  type CreatorEvent,
  type FeedPosition,
  type FeedSnapshot,
  type FinalizeOutcome,
  type Lease,
  type Preconfirmed,
  type Reorg,
  type StoredSighting,
} from '@droppio/tips';
import { BackfillWriter } from './backfill-writer.js';
import { BlockWriter } from './block-writer.js';
import { ChainProgress } from './chain-progress.js';
import { Coverage } from './coverage.js';
import { Database } from './database.js';
import { EventLog } from './event-log.js';
import { Finality, type Marks } from './finality.js';
import { StorageMetrics } from './metrics.js';
import { Screener } from './screener.js';
import { SeenTips } from './seen-tips.js';
import { FOLDS, RollUp } from './roll-up.js';
import { readFinalizedHeight, readSightings } from './sighting-reader.js';
import { blockInput, type BlockInput } from './tip-input.js';

/** The ledger on Postgres. Every write locks in one order: the chain's cursor, its tips, then streams by creator id. */
@Injectable()
export class PostgresTipLedger extends TipLedger implements BeforeApplicationShutdown {
  private readonly progress: ChainProgress;
  private readonly writer: BlockWriter;
  private readonly finality: Finality;
  private readonly seen: SeenTips;
  private readonly screener: Screener;
  private readonly backfills: BackfillWriter;
  private readonly coverage: Coverage;
  private readonly events: EventLog;
  private readonly sums: RollUp;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly metrics: StorageMetrics,
  ) {
    super();
    this.progress = new ChainProgress(database);
    this.writer = new BlockWriter(database, clock, metrics);
    this.finality = new Finality(database, clock);
    this.seen = new SeenTips(database, clock);
    this.screener = new Screener(database, clock);
    this.backfills = new BackfillWriter(database, metrics);
    this.coverage = new Coverage(database);
    this.events = new EventLog(database);
    this.sums = new RollUp(database, FOLDS);
  }

  override acquire(
    chainId: number,
    holder: string,
    ttlMs: number,
    { force = false }: { force?: boolean } = {},
  ): Promise<Lease | undefined> {
    return this.progress.acquire(chainId, holder, ttlMs, force);
  }

  override release(chainId: number, holder: string): Promise<void> {
    return this.progress.release(chainId, holder);
  }

  override cursor(chainId: number): Promise<ChainCursor | undefined> {
    return this.progress.cursor(chainId);
  }

  override begin(chainId: number, block: BlockHeader, fence: number): Promise<ChainCursor> {
    return this.progress.begin(chainId, block, fence);
  }

  override window(chainId: number, limit: number): Promise<readonly (BlockRef & { readonly parentHash: BlockHeader['hash'] })[]> {
    return this.progress.window(chainId, limit);
  }

  override async commit(chainId: number, fence: number, commit: BlockCommit): Promise<CommitOutcome> {
    const input = blockInput(commit);
    const done = await this.metrics.timed('commit', this.writer.commit(chainId, fence, input));
    if (done.kind === 'committed') this.countAside(chainId, [input]);
    return done;
  }

  override async reorganise(chainId: number, fence: number, reorg: Reorg): Promise<CommitOutcome> {
    const inputs = reorg.branch.map(blockInput);
    const seenAtMs = reorg.branch.at(-1)?.seenAtMs ?? this.clock.now();
    const done = await this.metrics.timed('reorganise', this.writer.reorganise(chainId, fence, { ...reorg, inputs, seenAtMs }));
    if (done.kind === 'committed') this.countAside(chainId, inputs);
    return done;
  }

  override tellDue(chainId: number, fence: number, height: number): Promise<CommitOutcome> {
    return this.writer.tellDue(chainId, fence, height);
  }

  override async finalize(chainId: number, fence: number, marks: Marks): Promise<FinalizeOutcome> {
    const done = await this.metrics.timed('finalize', this.finality.finalize(chainId, fence, marks));
    this.sums.soon();
    return done;
  }

  override sight(chainId: number, fence: number, promised: Preconfirmed): Promise<CommitOutcome> {
    return this.metrics.timed('sight', this.seen.sight(chainId, fence, promised));
  }

  override drop(chainId: number, fence: number, upTo: number): Promise<CommitOutcome> {
    return this.seen.drop(chainId, fence, upTo);
  }

  override looksFor(chainId: number, fence: number, filter: string): Promise<void> {
    return this.coverage.looksFor(chainId, fence, filter);
  }

  override async backfill(chainId: number, range: BackfillRange, blocks: readonly BackfillBlock[]): Promise<BackfillOutcome> {
    const done = await this.backfills.backfill(chainId, range, blocks);
    this.sums.soon();
    return done;
  }

  override settled(chainId: number, final: number): Promise<number | undefined> {
    return this.backfills.settled(chainId, final);
  }

  override holes(chainId: number, filter: string, range: BlockRange): Promise<readonly BlockRange[]> {
    return this.coverage.holes(chainId, filter, range);
  }

  override finalizedHeight(chainId: number): Promise<number | undefined> {
    return readFinalizedHeight(this.database, chainId);
  }

  override sightings(chainId: number, from: number, to: number): Promise<readonly StoredSighting[]> {
    return readSightings(this.database, chainId, from, to);
  }

  override screen(creatorId: string): Promise<boolean> {
    return this.screener.screen(creatorId);
  }

  override unscreened(olderThanMs: number, limit: number): Promise<readonly string[]> {
    return this.screener.unscreened(olderThanMs, limit);
  }

  override eventsAfter(creatorId: string, seq: number, limit: number): Promise<readonly CreatorEvent[]> {
    return this.events.after(creatorId, seq, limit);
  }

  override position(creatorId: string): Promise<FeedPosition | undefined> {
    return this.events.position(creatorId);
  }

  override snapshot(creatorId: string, limit: number): Promise<FeedSnapshot | undefined> {
    return this.events.snapshot(creatorId, limit);
  }

  override markPublished(creatorId: string, seq: number): Promise<void> {
    return this.events.markPublished(creatorId, seq);
  }

  override unpublished(olderThanMs: number, limit: number): Promise<readonly string[]> {
    return this.events.unpublished(olderThanMs, limit);
  }

  /** Resolves when the sums hold what was made final, as far as one go of the roll-up reaches. */
  summed(): Promise<void> {
    return this.sums.idle();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sums.close();
  }

  private countAside(chainId: number, inputs: readonly BlockInput[]): void {
    for (const { code } of inputs.flatMap(({ aside }) => aside)) this.metrics.quarantined(chainId, code);
  }
}
