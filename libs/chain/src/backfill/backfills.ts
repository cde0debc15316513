import { Injectable } from '@nestjs/common';
import { Clock, NotOurJob, TipLedger, type BackfillJob } from '@droppio/tips';
import { watchesWallets, type ChainSettings } from '../chain-settings.js';
import { ChainMetrics } from '../metrics.js';
import { PastReader } from '../nodes/past-reader.js';
import { TipSpotter } from '../sight-tips.js';
import { WatchList } from '../watch-list.js';
import { BackfillMetrics } from './backfill-metrics.js';
import { logSieve } from './log-sieve.js';
import { HistoryReader, type HistoryNodes } from './history-reader.js';
import { RangeBackfill, type Found } from './range-backfill.js';

@Injectable()
export class BackfillRooms {
  constructor(
    readonly ledger: TipLedger,
    readonly clock: Clock,
    readonly metrics: ChainMetrics,
    readonly counts: BackfillMetrics,
    readonly watch: WatchList,
  ) {}
}

/** Searches the past of all configured chains. */
export class Backfills {
  private readonly byChain: ReadonlyMap<number, RangeBackfill>;

  constructor(chains: readonly ChainSettings[], rooms: BackfillRooms) {
    this.byChain = new Map(
      chains.map((chain) => [chain.chainId, backfillOf(chain, rooms, new PastReader(chain, rooms.clock, rooms.metrics))]),
    );
  }

  of(chainId: number): RangeBackfill | undefined {
    return this.byChain.get(chainId);
  }

  /** Throws `NotOurJob` for a chain that this process does not know. */
  work(job: BackfillJob, over: AbortSignal): Promise<Found> {
    const backfill = this.byChain.get(job.chainId);
    if (backfill === undefined)
      return Promise.reject(new NotOurJob('This process has no settings for the chain.', { context: { chainId: job.chainId } }));
    return backfill.work(job, over);
  }
}

export function backfillOf(
  chain: ChainSettings,
  { ledger, clock, counts, watch }: Omit<BackfillRooms, 'metrics'>,
  nodes: HistoryNodes,
): RangeBackfill {
  const watched = watchesWallets(chain) ? watch : undefined;
  const spotter = new TipSpotter(chain, watched);
  const sieve = logSieve(chain, watched ?? new Set());
  const reader = new HistoryReader({ nodes, spotter, sieve, clock, paid: chain.transfers.native ? watched : undefined });
  return new RangeBackfill(chain, { ledger, nodes, reader, clock, metrics: counts, ready: () => watched?.loaded() ?? Promise.resolve() });
}
