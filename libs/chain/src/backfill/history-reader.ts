import { ChainUnavailable, type BackfillBlock, type BlockHeader, type BlockRange, type ChainReader, type Clock } from '@droppio/tips';
import type { LogSearch, ScannedRange } from '../nodes/range-reader.js';
import type { LogSieve } from '../nodes/wire-logs.js';
import type { TipSpotter, WatchedWallets } from '../sight-tips.js';

/** A chain's nodes, as a search of the past needs them. */
export interface HistoryNodes extends Pick<ChainReader, 'blockByNumber' | 'head' | 'payments' | 'tagged' | 'verify'> {
  /** Logs of final blocks from `from` on, as far towards `to` as suits the nodes. Throws `ChainUnavailable`. */
  logsIn(range: BlockRange, search: LogSearch): Promise<ScannedRange>;
}

export interface HistoryParts {
  readonly nodes: HistoryNodes;
  readonly spotter: TipSpotter;
  /** Lets through whatever the spotter could make a tip of, with the rest of its transaction. */
  readonly sieve: LogSieve;
  readonly clock: Clock;
  /** Look for the chain's own coins sent straight to these, too, which takes the whole of every block. */
  readonly paid?: WatchedWallets | undefined;
}

export interface SearchedRange {
  readonly to: number;
  /** Those that hold tips or unreadable logs of the jar, by height. */
  readonly blocks: readonly BackfillBlock[];
}

const AT_ONCE = 16;
/** Blocks that are read whole in one go. */
const WHOLE_BLOCKS = 256;

/** Finds in past blocks exactly what the walk would have found in them. */
export class HistoryReader {
  constructor(private readonly parts: HistoryParts) {}

  async search(range: BlockRange): Promise<SearchedRange> {
    const { nodes, spotter, sieve, paid } = this.parts;
    const asked = paid === undefined ? range : { from: range.from, to: Math.min(range.to, range.from + WHOLE_BLOCKS - 1) };
    const scanned = await nodes.logsIn(asked, { filter: spotter.filter, sieve });
    const fromLogs = await this.fromLogs(scanned);
    if (paid === undefined) return { to: scanned.to, blocks: fromLogs };
    return { to: scanned.to, blocks: await this.withPayments({ from: range.from, to: scanned.to }, fromLogs, paid) };
  }

  private async fromLogs({ blocks }: ScannedRange): Promise<readonly BackfillBlock[]> {
    const { spotter, clock } = this.parts;
    const seenAtMs = clock.now();
    const found = blocks
      .map(({ logs, ...block }) => ({ block, ...spotter.sight(logs) }))
      .filter(({ tips, quarantined }) => tips.length > 0 || quarantined.length > 0);
    return inTurns(found, async ({ block: { number, hash, timestampMs }, tips, quarantined }) => {
      const known = timestampMs ?? (await this.header(number, hash)).timestampMs;
      return { block: { number, hash, timestampMs: known }, seenAtMs, tips, quarantined, tell: false };
    });
  }

  private async withPayments(
    { from, to }: BlockRange,
    known: readonly BackfillBlock[],
    paid: WatchedWallets,
  ): Promise<readonly BackfillBlock[]> {
    const byNumber = new Map(known.map((found) => [found.block.number, found]));
    const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    const all = await inTurns(numbers, async (number) => {
      const found = byNumber.get(number);
      const header = await this.header(number, found?.block.hash);
      const payments = await this.parts.nodes.payments(header, (address) => paid.has(address));
      const sent = this.parts.spotter.sightPayments(payments);
      if (sent.length === 0) return found;
      const { tips, ...rest } = found ?? { block: header, seenAtMs: this.parts.clock.now(), tips: [], quarantined: [], tell: false };
      return { ...rest, tips: [...tips, ...sent] };
    });
    return all.filter((found) => found !== undefined);
  }

  /** The block at a height, and that very one when its hash is known: else the nodes do not tell of one chain. */
  private async header(number: number, hash?: string): Promise<BlockHeader> {
    const block = await this.parts.nodes.blockByNumber(number);
    if (block === undefined || (hash !== undefined && block.hash !== hash))
      throw new ChainUnavailable('The nodes do not agree on a final block.', { context: { block: number, isKnown: block !== undefined } });
    return block;
  }
}

/** Some at once, the results in order. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(work))));
  return results;
}
