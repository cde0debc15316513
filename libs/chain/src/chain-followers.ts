import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields, Health, type Traces } from '@droppio/platform';
import { Clock, EventRelay, LeaderLock, TipLedger, within } from '@droppio/tips';
import { watchesWallets, type ChainSettings } from './chain-settings.js';
import { ChainFollower } from './follow/chain-follower.js';
import type { LeaseTimes } from './follow/lease-keeper.js';
import { ChainMetrics } from './metrics.js';
import { ViemChainReader } from './nodes/viem-chain-reader.js';
import { WatchList } from './watch-list.js';

/** The block in hand is stored well within this; a node that hangs is not waited for. */
const STOP_MS = 3000;

export interface ChainOptions {
  /** Default: 5 s, renewed every 1.5 s. */
  readonly leaseTimes?: LeaseTimes;
  /** Also work the jobs of `npm run backfill`, one at a time. Default: no. */
  readonly worksBackfills?: boolean;
}

@Injectable()
export class FollowerRooms {
  constructor(
    readonly ledger: TipLedger,
    readonly relay: EventRelay,
    readonly clock: Clock,
    readonly metrics: ChainMetrics,
    readonly lock: LeaderLock,
  ) {}
}

/** A chain, its nodes and who follows it. */
export interface ChainLine {
  readonly chain: ChainSettings;
  readonly reader: ViemChainReader;
  readonly follower: ChainFollower;
}

/** One follower per configured chain, each on its own: started with the process, stopped before the rooms it uses. */
export class ChainFollowers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('chain');
  readonly lines: readonly ChainLine[];
  private readonly stopping = new AbortController();

  constructor(
    private readonly chains: readonly ChainSettings[],
    private readonly watch: WatchList,
    rooms: FollowerRooms,
    health: Health,
    options: ChainOptions & { readonly traces?: Traces },
  ) {
    const holder = randomUUID();
    const { ledger, relay, clock, metrics, lock } = rooms;
    const parts = { ledger, relay, clock, metrics, lock, watch, ...options };
    this.lines = chains.map((chain) => {
      const reader = new ViemChainReader(chain, clock, metrics);
      const follower = new ChainFollower(chain, reader, parts, holder);
      const name = `chain-${String(chain.chainId)}`;
      health.readyWhen(name, () => inOne([follower.notReady(), sentence(chain.name, reader.fault())]));
      health.aliveWhile(name, () => follower.notAlive());
      return { chain, reader, follower };
    });
  }

  onApplicationBootstrap(): void {
    if (this.chains.some(watchesWallets)) void this.watch.keep(this.stopping.signal);
    for (const { follower } of this.lines) follower.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await within(STOP_MS, 'stopping the chains', Promise.all(this.lines.map(({ follower }) => follower.stop()))).catch((error: unknown) => {
      this.logger.warn('chain.stop-cut-short', errorFields(error));
    });
  }
}

function sentence(chain: string, fault: string | undefined): string | undefined {
  return fault === undefined ? undefined : `Chain ${chain}: ${fault}.`;
}

/** What follows from a fault and the fault itself, so that whoever is paged need not guess. */
function inOne(sentences: readonly (string | undefined)[]): string | undefined {
  const told = sentences.filter((text) => text !== undefined);
  return told.length === 0 ? undefined : told.join(' ');
}
