import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  backoffMs,
  type BackfillBlock,
  type BlockCommit,
  type Clock,
  type Committed,
  type Hex,
  type RegisteredWallet,
  type TipLedger,
} from '@droppio/tips';
import type { ChainSettings } from '../chain-settings.js';
import type { WatchMetrics } from '../watch-metrics.js';
import { TipSpotter } from '../sight-tips.js';
import { isTransfer } from '../tip-ordinal.js';
import type { WatchList } from '../watch-list.js';
import type { BlockReader } from './block-reader.js';
import type { BlockWindow, Link } from './block-window.js';

export interface NewcomerParts {
  readonly ledger: TipLedger;
  readonly blocks: BlockReader;
  readonly watch: WatchList;
  readonly clock: Clock;
  readonly metrics: WatchMetrics;
  /** Takes over the publishing of what was told to these creators. */
  readonly publish: (told: Pick<Committed, 'creators' | 'unscreened'>) => void;
}

/** A wallet gets the transfers of this many blocks before it appeared, though not as alerts. */
const BLOCKS_BACK = 64;
const AT_ONCE = 8;
const RETRY = { baseMs: 500, capMs: 15_000 };
/** Coins are found in whole blocks only, which come from the nodes again for every search: then whoever appears meanwhile waits for the next. */
const DEAR_EVERY_MS = 10_000;
/** Clocks of chains tick in seconds and run apart from the database's: what is this much older than its wallet may still be an alert. */
const CLOCKS_APART_MS = 10_000;
/** How much before the last blocks of another leader a wallet may have been registered that he had not heard of. */
const UNHEARD_MS = 60_000;
/** A standby never searches; what it heard of is not kept for longer than any leader needs. */
const KEPT_MS = 600_000;
/** Nothing of it counts as searched: only some wallets were looked for. */
const NO_RANGE = { from: 1, to: 0, filter: 'newcomers' };

interface Waiting {
  readonly registeredAtMs: number;
  readonly heardAtMs: number;
}

/**
 * Looks for transfers to wallets that appear, in the blocks that were read before they were known: those of the last moments (a registration is
 * heard of about a second late) and some before. Asked between two steps of the leader, when every block that was read without the wallet is
 * committed or dropped and every later one will be read with it; so each transfer is found by the walk, here, or by both, and stored once.
 */
export class Newcomers {
  private readonly logger = new Logger('chain');
  private readonly waiting = new Map<Hex, Waiting>();
  private fence: number | undefined;
  /** The blocks that the leader before us left, until they were searched for whoever it had not heard of. */
  private inherited: readonly Link[] = [];
  private isSearching = false;
  private failures = 0;
  private notBeforeMs = 0;

  constructor(
    private readonly chain: ChainSettings,
    private readonly parts: NewcomerParts,
  ) {
    parts.watch.onAdded((added) => {
      this.hear(added);
    });
  }

  /** Before the first step of a leader: he must know of everybody whom the one before him knew. Throws `StorageUnavailable`. */
  async begin(fence: number, window: BlockWindow): Promise<void> {
    if (fence !== this.fence) {
      await this.parts.watch.refresh();
      this.fence = fence;
      this.waiting.clear();
      this.inherited = newestFirst(window);
    }
    this.visit(window);
  }

  /** Starts a search beside the walk if there is anybody to search for. Does not wait, never throws. Only between two steps. */
  visit(window: BlockWindow): void {
    if (this.isSearching || this.parts.clock.now() < this.notBeforeMs || (this.waiting.size === 0 && this.inherited.length === 0)) return;
    this.isSearching = true;
    this.search(window).then(
      () => {
        this.failures = 0;
        this.isSearching = false;
        if (this.chain.transfers.native) this.notBeforeMs = this.parts.clock.now() + DEAR_EVERY_MS;
      },
      (error: unknown) => {
        this.failures += 1;
        this.notBeforeMs = this.parts.clock.now() + backoffMs(this.failures, RETRY);
        this.isSearching = false;
        this.parts.metrics.failed('newcomers');
        this.logger.warn('newcomers.failed', { chainId: this.chain.chainId, failures: this.failures, ...errorFields(error) });
      },
    );
  }

  private hear(added: readonly RegisteredWallet[]): void {
    const now = this.parts.clock.now();
    for (const [wallet, { heardAtMs }] of this.waiting) {
      if (heardAtMs > now - KEPT_MS) break;
      this.waiting.delete(wallet);
    }
    for (const { address, registeredAtMs } of added) this.waiting.set(address, { registeredAtMs, heardAtMs: now });
  }

  private async search(window: BlockWindow): Promise<void> {
    // All of this is taken down before the first wait, after which the chain may move.
    const wanted = new Map([...this.waiting].map(([address, { registeredAtMs }]) => [address, registeredAtMs]));
    const links = newestFirst(window);
    // Those of them that a reorganisation took were replaced by blocks that we read ourselves.
    const inherited = this.inherited.filter(({ number, hash }) => (window.at(number)?.hash ?? hash) === hash);
    if (inherited.length > 0) await this.searchIn(inherited, await this.unheardBefore(inherited));
    this.inherited = [];
    if (wanted.size > 0) await this.searchIn(links, wanted);
    for (const wallet of wanted.keys()) this.waiting.delete(wallet);
  }

  private async unheardBefore(links: readonly Link[]): Promise<ReadonlyMap<Hex, number>> {
    const oldest = links[Math.min(BLOCKS_BACK, links.length) - 1];
    if (oldest === undefined) return new Map();
    const { timestampMs } = await this.parts.blocks.header(oldest);
    return new Map(this.parts.watch.since(timestampMs - UNHEARD_MS).map(({ address, registeredAtMs }) => [address, registeredAtMs]));
  }

  private async searchIn(links: readonly Link[], wanted: ReadonlyMap<Hex, number>): Promise<void> {
    if (wanted.size === 0) return;
    const spotter = new TipSpotter(this.chain, wanted);
    const earliest = Math.min(...wanted.values()) - CLOCKS_APART_MS;
    const found: BackfillBlock[] = [];
    for (let at = 0; at < links.length; at += AT_ONCE) {
      const commits = await Promise.all(links.slice(at, at + AT_ONCE).map((link) => this.parts.blocks.readAgain(link, spotter, wanted)));
      found.push(...commits.flatMap((commit) => asHistory(commit, wanted)));
      const isOldEnough = commits.every(({ block }) => block.timestampMs < earliest);
      if (isOldEnough && at + AT_ONCE >= BLOCKS_BACK) break;
    }
    this.logger.log('newcomers.searched', { chainId: this.chain.chainId, wallets: wanted.size, blocksWithTips: found.length });
    if (found.length === 0) return;
    // Blocks that left the chain meanwhile are left out: those in their place are read with the wallets known.
    this.parts.publish(await this.parts.ledger.backfill(this.chain.chainId, NO_RANGE, found.reverse()));
  }
}

/** A block's transfers to the wanted wallets, those that are alerts still apart from those that are older than their wallet. */
function asHistory(commit: BlockCommit, wanted: ReadonlyMap<Hex, number>): BackfillBlock[] {
  const transfers = commit.tips.filter(({ ordinal, creator }) => isTransfer(ordinal) && wanted.has(creator));
  const isNews = ({ creator }: { creator: Hex }): boolean =>
    commit.block.timestampMs + CLOCKS_APART_MS >= (wanted.get(creator) ?? Infinity);
  const [news, old] = [transfers.filter(isNews), transfers.filter((tip) => !isNews(tip))];
  return [
    ...(old.length === 0 ? [] : [{ ...commit, tips: old, quarantined: [], tell: false }]),
    ...(news.length === 0 ? [] : [{ ...commit, tips: news, quarantined: [], tell: true }]),
  ];
}

function newestFirst(window: BlockWindow): readonly Link[] {
  const { tip, oldest } = window;
  const links: Link[] = [];
  for (let at = tip?.number ?? -1; at >= (oldest?.number ?? 0); at -= 1) {
    const link = window.at(at);
    if (link !== undefined) links.push(link);
  }
  return links;
}
