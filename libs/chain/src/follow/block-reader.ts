import { ChainUnavailable, type BlockCommit, type BlockHeader, type BlockRef, type ChainReader, type Clock } from '@droppio/tips';
import type { WatchMetrics } from '../watch-metrics.js';
import type { TipSpotter, WatchedWallets } from '../sight-tips.js';
import type { WatchList } from '../watch-list.js';
import { RecentBlocks, type ReadBlock } from './recent-blocks.js';

const AHEAD = 16;

export interface BlockReaderParts {
  readonly clock: Clock;
  readonly metrics: WatchMetrics;
  /** Whose wallets get payments straight; absent: only what goes through the jar is looked for. */
  readonly watch?: WatchList | undefined;
  /** Look for the chain's own coins sent to them, too. */
  readonly native: boolean;
}

/** Turns headers into what is committed: fetches the logs and reads the tips. */
export class BlockReader {
  private readonly recent = new RecentBlocks();

  constructor(
    private readonly reader: ChainReader,
    private readonly spotter: TipSpotter,
    private readonly parts: BlockReaderParts,
  ) {}

  async read(block: BlockHeader, seenAtMs: number): Promise<BlockCommit> {
    const { watch } = this.parts;
    // A block that is read before the wallets are known would be a block whose transfers are lost.
    await watch?.loaded();
    const logs = await this.reader.logs(block, this.spotter.filter);
    if (watch !== undefined) this.recent.add({ block, seenAtMs, logs });
    return this.sight({ block, seenAtMs, logs }, this.spotter, watch);
  }

  /** Of a block that was committed. */
  async header(link: BlockRef): Promise<BlockHeader> {
    return this.recent.get(link.hash)?.block ?? this.headerFromNodes(link);
  }

  /** What a block that was committed holds for other wallets than those known when it was read. Throws what the reader throws. */
  async readAgain(link: BlockRef, spotter: TipSpotter, watched: WatchedWallets): Promise<BlockCommit> {
    return this.sight(this.recent.get(link.hash) ?? (await this.fetch(link)), spotter, watched);
  }

  /** The commits of a branch in order; the logs of the next few blocks are fetched while the first is being stored. */
  async *readAll(branch: readonly BlockHeader[], seenAtMs: number): AsyncGenerator<BlockCommit> {
    const ahead: Promise<BlockCommit>[] = [];
    let next = 0;
    const fetchNext = (): void => {
      const block = branch[next];
      if (block === undefined) return;
      next += 1;
      const reading = this.read(block, seenAtMs);
      // Whoever awaits it hears of the failure; until then it must not count as unhandled.
      reading.catch(() => undefined);
      ahead.push(reading);
    };
    while (next < branch.length && ahead.length < AHEAD) fetchNext();
    for (let reading = ahead.shift(); reading !== undefined; reading = ahead.shift()) {
      fetchNext();
      yield await reading;
    }
  }

  private async headerFromNodes({ hash, number }: BlockRef): Promise<BlockHeader> {
    const block = await this.reader.blockByHash(hash);
    if (block === undefined) throw new ChainUnavailable('No node knows a block that was committed.', { context: { block: number } });
    return block;
  }

  private async fetch(link: BlockRef): Promise<ReadBlock> {
    const block = await this.headerFromNodes(link);
    const read = { block, seenAtMs: this.parts.clock.now(), logs: await this.reader.logs(block, this.spotter.filter) };
    this.recent.add(read);
    return read;
  }

  private async sight({ block, seenAtMs, logs }: ReadBlock, spotter: TipSpotter, watched?: WatchedWallets): Promise<BlockCommit> {
    const payments = this.parts.native && watched !== undefined ? await this.reader.payments(block, (address) => watched.has(address)) : [];
    const { tips, quarantined, unreadable } = spotter.sight(logs);
    if (unreadable > 0) this.parts.metrics.unreadable(this.reader.chainId, unreadable);
    return { block, seenAtMs, tips: [...tips, ...spotter.sightPayments(payments)], quarantined };
  }
}
