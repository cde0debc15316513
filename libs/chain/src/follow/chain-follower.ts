import { Logger } from '@nestjs/common';
import { errorFields, NO_TRACES, type Traces } from '@droppio/platform';
import {
  backoffMs,
  DroppioError,
  ReorgTooDeep,
  WrongChain,
  type ChainReader,
  type Clock,
  type EventRelay,
  type LeaderLock,
  type PendingListener,
  type TipLedger,
} from '@droppio/tips';
import { filterVersion } from '../backfill/filter-version.js';
import { watchesWallets, type ChainSettings } from '../chain-settings.js';
import type { ChainMetrics } from '../metrics.js';
import { TipSpotter } from '../sight-tips.js';
import type { WatchList } from '../watch-list.js';
import { BlockReader } from './block-reader.js';
import { ChainCommitter, CursorMoved } from './chain-committer.js';
import { ChainLeader } from './chain-leader.js';
import { DrainRunner } from './drain-runner.js';
import { Finality } from './finality.js';
import { FinalityAudit } from './finality-audit.js';
import { FollowerPulse } from './follower-pulse.js';
import { HeadInbox } from './head-inbox.js';
import { Preconfirmations } from './preconfirmations.js';
import { LEASE_TIMES, LeaseKeeper, type LeaseTimes, type Term } from './lease-keeper.js';
import { Newcomers } from './newcomers.js';

export interface FollowerParts {
  readonly ledger: TipLedger;
  readonly relay: EventRelay;
  readonly clock: Clock;
  readonly metrics: ChainMetrics;
  /** Default: none. */
  readonly traces?: Traces;
  /** Makes a standby take over at once when the leader's process dies; without it, when the lease runs out. */
  readonly lock?: LeaderLock;
  /** The wallets that payments straight to a creator are looked for with; without it only the jar is listened to. */
  readonly watch?: WatchList;
  /** Default: 5 s, renewed every 1.5 s. */
  readonly leaseTimes?: LeaseTimes;
}

const RETRY = { baseMs: 50, capMs: 5000 };
const LEAST_PAUSE_MS = 20;
const IDLE_MS = 1000;
const TOLERATED_LAG_BLOCKS = 3;

/**
 * Follows one chain for ever: as leader when it holds the chain's lease, else as a standby that hears heads and waits. Whatever fails is tried
 * again with a growing pause; only what a person must decide (a fork too deep, the wrong chain) stops this chain, and this chain alone.
 */
export class ChainFollower {
  readonly chainId: number;
  private readonly logger = new Logger('chain');
  private readonly inbox = new HeadInbox();
  private readonly stopping = new AbortController();
  private readonly drains: DrainRunner;
  private readonly blocks: BlockReader;
  private readonly newcomers: Newcomers | undefined;
  private readonly finality: Finality;
  private readonly audit: FinalityAudit | undefined;
  private running: Promise<void> | undefined;
  private readonly early: Preconfirmations | undefined;
  private halted: DroppioError | undefined;
  private cursor: number | undefined;
  private isLeading = false;
  private leader: ChainLeader | undefined;
  private readonly pulse: FollowerPulse;

  constructor(
    private readonly chain: ChainSettings,
    private readonly reader: ChainReader,
    private readonly parts: FollowerParts,
    /** New with every start of the process: a restart must not pass for the leader that died. */
    private readonly holder: string,
  ) {
    this.chainId = chain.chainId;
    parts.metrics.begin(this.chainId);
    this.drains = new DrainRunner(chain.chainId, parts.relay, parts.ledger, parts.metrics.follower);
    const { ledger, clock, metrics } = parts;
    const watch = watchesWallets(chain) ? parts.watch : undefined;
    this.blocks = new BlockReader(reader, new TipSpotter(chain, watch), {
      clock,
      metrics: metrics.watch,
      watch,
      native: chain.transfers.native,
    });
    this.newcomers =
      watch &&
      new Newcomers(chain, {
        ledger,
        clock,
        metrics: metrics.watch,
        watch,
        blocks: this.blocks,
        publish: (told) => {
          this.drains.publish(told);
        },
      });
    this.early = chain.preconfirmations && new Preconfirmations(chain, chain.preconfirmations.dropAfter, clock, metrics);
    const poke = (): void => {
      this.inbox.poke();
    };
    this.finality = new Finality(reader, parts.clock, chain.finalityDepth, poke);
    if (chain.quorum?.finalized === true) this.audit = new FinalityAudit(chain, { reader, ledger, clock, metrics: metrics.follower }, poke);
    this.pulse = new FollowerPulse(clock);
  }

  /** Does this process commit, as far as it knows? */
  get isLeader(): boolean {
    return this.isLeading;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Ends after the block in hand is stored and gives the lease back. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Why this chain is not doing its work, as a sentence; `undefined` when it does, or when another process does. */
  notReady(): string | undefined {
    if (this.halted !== undefined) return `Chain ${this.chain.name} is stopped and needs a person: ${this.halted.message}`;
    const { fault = this.audit?.fault } = this.pulse;
    if (this.isLeading && fault !== undefined) return `Chain ${this.chain.name}: ${fault}.`;
    if (this.inbox.highest < 0) return `Chain ${this.chain.name} has not told of a block yet.`;
    if (this.cursor === undefined) return undefined;
    const lag = this.inbox.highest - (this.chain.confirmations - 1) - this.cursor;
    return lag > TOLERATED_LAG_BLOCKS ? `Chain ${this.chain.name} is ${String(lag)} blocks behind.` : undefined;
  }

  /** Only what a restart would heal: heads arrive and nothing is even tried. */
  notAlive(): string | undefined {
    const isStuck = this.pulse.isStuck(this.leader?.height, this.inbox.lastAtMs);
    return isStuck && this.isLeading && this.halted === undefined
      ? `Chain ${this.chain.name} stands still although new blocks arrive.`
      : undefined;
  }

  private async run(): Promise<void> {
    const { ledger, clock, lock, leaseTimes = LEASE_TIMES } = this.parts;
    this.reader.watchHeads((head, receivedAtMs) => {
      this.inbox.offer({ head, receivedAtMs });
    }, this.stopping.signal);
    this.hearPromises();
    const leases = new LeaseKeeper(this.chainId, this.holder, { ledger, clock, lock }, leaseTimes);
    await leases.run((term) => this.lead(term), this.stopping.signal);
  }

  private hearPromises(): void {
    const { early } = this;
    if (early === undefined) return;
    const hear: PendingListener = (logs, receivedAtMs) => {
      // A standby tells of nothing, and must not keep promises that somebody else has told and settled long ago.
      if (this.cursor !== undefined && early.hear(logs, receivedAtMs)) this.inbox.poke();
    };
    this.reader.watchPending(early.filter, hear, this.stopping.signal);
  }

  /** One term: steps until it is over. Never rejects. */
  private async lead(term: Term): Promise<void> {
    const { follower } = this.parts.metrics;
    follower.set(this.chainId, 'leader', 1);
    follower.set(this.chainId, 'fence', term.fence);
    this.isLeading = true;
    this.pulse.succeeded();
    this.pulse.stepped(undefined);
    for (let failures = 0; !term.over.aborted && this.halted === undefined;) {
      try {
        this.leader ??= await this.open(term);
        await this.step(this.leader, term.over);
        failures = 0;
        this.pulse.succeeded();
      } catch (error) {
        // A head of a branch that is gone leads nowhere: the next one told must not wait for it. Each try uses one up and a new start asks for the head anew, so this ends.
        const isOnlyThisHead = this.leader !== undefined && !this.inbox.isEmpty;
        this.leader = undefined;
        this.pulse.failed(error);
        if (error instanceof ReorgTooDeep || error instanceof WrongChain) this.halt(error);
        else await this.pause(error, isOnlyThisHead ? 0 : failures, term.over);
        if (!isOnlyThisHead) failures += 1;
      }
      this.pulse.stepped(this.leader?.height);
    }
    this.leader = undefined;
    this.isLeading = false;
    this.cursor = undefined;
    follower.set(this.chainId, 'leader', 0);
  }

  private async open(term: Term): Promise<ChainLeader> {
    const { reader, blocks, finality, audit, newcomers, early, chain } = this;
    const { ledger, clock, metrics, traces = NO_TRACES } = this.parts;
    await reader.verify();
    // Known before the first fork is judged.
    await finality.refresh();
    const committer = await ChainCommitter.open(chain, term.fence, reader, { ledger, clock, metrics, traces, drains: this.drains });
    await committer.tellDue(chain.confirmations - 1);
    await ledger.looksFor(chain.chainId, term.fence, filterVersion(chain));
    const leader = new ChainLeader(chain, committer, { reader, blocks, finality, metrics, audit, newcomers, early });
    this.early?.begin();
    await this.newcomers?.begin(term.fence, committer.window);
    // Heads told before we led, or while the last attempt failed, are not told again.
    this.inbox.replace({ head: await reader.head(), receivedAtMs: clock.now() });
    this.report(leader);
    return leader;
  }

  private async step(leader: ChainLeader, over: AbortSignal): Promise<void> {
    const hint = this.inbox.take();
    if (hint !== undefined) await leader.follow(hint, over);
    const isSettled = this.inbox.isEmpty && (await leader.settle());
    await leader.promise(this.inbox.highest);
    this.report(leader);
    if (!this.inbox.isEmpty || !isSettled || this.early?.hasNews === true) return;
    await this.inbox.wait(IDLE_MS, over);
  }

  private report(leader: ChainLeader): void {
    this.cursor = leader.height;
    this.parts.metrics.follower.set(this.chainId, 'lag', Math.max(0, this.inbox.highest - leader.height));
  }

  private async pause(error: unknown, failures: number, over: AbortSignal): Promise<void> {
    const { metrics, clock } = this.parts;
    metrics.follower.failed(
      this.chainId,
      error instanceof CursorMoved ? 'cursor-moved' : error instanceof DroppioError ? error.code : 'unknown',
    );
    this.logger.warn('chain.step-failed', { chainId: this.chainId, failures, ...errorFields(error) });
    await clock.sleep(LEAST_PAUSE_MS + backoffMs(failures, RETRY), over);
  }

  private halt(error: ReorgTooDeep | WrongChain): void {
    this.halted = error;
    this.parts.metrics.follower.set(this.chainId, 'halted', 1);
    this.logger.error('chain.halted', { chainId: this.chainId, ...errorFields(error) });
    this.stopping.abort();
  }
}
