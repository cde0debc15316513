import { Logger } from '@nestjs/common';
import { NO_TRACES, type Traces } from '@droppio/platform';
import {
  ChainUnavailable,
  type BlockCommit,
  type BlockHeader,
  type ChainReader,
  type Clock,
  type CommitOutcome,
  type Committed,
  type Preconfirmed,
  type TipLedger,
} from '@droppio/tips';
import type { ChainMetrics } from '../metrics.js';
import { BlockTrace } from './block-trace.js';
import type { Path } from './block-walker.js';
import { BlockWindow } from './block-window.js';
import type { DrainRunner } from './drain-runner.js';
import type { Marks } from './finality.js';

/** The cursor is not where we thought: another leader, or a commit whose answer was lost. What we know must be read again. */
export class CursorMoved extends ChainUnavailable {}

export interface CommitParts {
  readonly ledger: TipLedger;
  readonly clock: Clock;
  readonly metrics: ChainMetrics;
  readonly drains: DrainRunner;
  /** Default: none. */
  readonly traces?: Traces;
}

/** How far below the head a chain without a start block begins, so that a fork in its first minutes has something to stand on. */
const START_DEPTH = 12;

/** One term's view of a chain: what is committed, and the only hands that commit to it. Every write is fenced. */
export class ChainCommitter {
  private readonly logger = new Logger('chain');

  private constructor(
    private readonly chainId: number,
    private readonly fence: number,
    readonly window: BlockWindow,
    private readonly parts: CommitParts,
  ) {}

  /** Takes up where the ledger stands; a chain without a cursor gets its first one. */
  static async open(
    chain: { readonly chainId: number; readonly startBlock?: number | undefined; readonly window: number },
    fence: number,
    reader: ChainReader,
    parts: CommitParts,
  ): Promise<ChainCommitter> {
    const { chainId } = chain;
    const cursor =
      (await parts.ledger.cursor(chainId)) ?? (await parts.ledger.begin(chainId, await firstBlock(reader, chain.startBlock), fence));
    if (cursor.fence !== fence) throw new CursorMoved('Another process leads this chain.', { context: { chainId, fence } });
    const window = new BlockWindow(await parts.ledger.window(chainId, chain.window), chain.window);
    if (window.tip?.hash !== cursor.hash) throw new CursorMoved('The chain moved while it was being read.', { context: { chainId } });
    return new ChainCommitter(chainId, fence, window, parts);
  }

  async append(commit: BlockCommit): Promise<void> {
    const trace = this.trace([commit]);
    const committed = this.expectCommitted(await this.parts.ledger.commit(this.chainId, this.fence, commit));
    trace?.committed();
    this.window.append(commit.block);
    this.parts.drains.publish(committed);
    this.observe(commit);
  }

  /** One transaction for the whole change, so that a tip in both branches never vanishes in between. */
  async reorganise({ ancestor }: Path, branch: readonly BlockCommit[]): Promise<void> {
    const from = this.window.tip;
    if (from === undefined) throw new TypeError('a chain that is led has a cursor');
    const reorg = { from: { number: from.number, hash: from.hash }, ancestor: { number: ancestor.number, hash: ancestor.hash }, branch };
    const trace = this.trace(branch);
    const committed = this.expectCommitted(await this.parts.ledger.reorganise(this.chainId, this.fence, reorg));
    trace?.committed();
    this.window.cutTo(ancestor);
    for (const { block } of branch) this.window.append(block);
    this.parts.drains.publish(committed);
    const depth = from.number - ancestor.number;
    this.parts.metrics.blocks.reorganised(this.chainId, depth);
    this.logger.log('chain.reorganised', { chainId: this.chainId, depth, ancestor: ancestor.number, head: this.window.tip?.number });
    for (const commit of branch) this.observe(commit);
  }

  async sight(promised: Preconfirmed): Promise<void> {
    this.parts.drains.publish(this.expectCommitted(await this.parts.ledger.sight(this.chainId, this.fence, promised)));
  }

  async drop(upTo: number): Promise<void> {
    this.parts.drains.publish(this.expectCommitted(await this.parts.ledger.drop(this.chainId, this.fence, upTo)));
  }

  /** What waited for the block that the cursor stands on, and for those known on top of it, where its committer could not tell any more. */
  async tellDue(onTop: number): Promise<void> {
    const height = (this.window.tip?.number ?? -1) + onTop;
    this.parts.drains.publish(this.expectCommitted(await this.parts.ledger.tellDue(this.chainId, this.fence, height)));
  }

  /** Raises some of what is due; whether that was all. */
  async finalize(marks: Marks): Promise<boolean> {
    const outcome = await this.parts.ledger.finalize(this.chainId, this.fence, marks);
    this.parts.drains.publish(this.expectCommitted(outcome));
    return outcome.kind === 'committed' && outcome.more !== true;
  }

  private trace(commits: readonly BlockCommit[]): BlockTrace | undefined {
    const { traces = NO_TRACES } = this.parts;
    return traces.isOn ? BlockTrace.begin(traces, this.chainId, commits) : undefined;
  }

  private expectCommitted(outcome: CommitOutcome): Committed {
    if (outcome.kind === 'moved')
      throw new CursorMoved('The cursor is not where it was left.', { context: { chainId: this.chainId, fence: this.fence } });
    return outcome;
  }

  private observe({ block, seenAtMs, tips, quarantined }: BlockCommit): void {
    const accepted = tips.filter((tip) => tip.display !== undefined).length;
    const counts = { accepted, unlisted: tips.length - accepted, quarantined: quarantined.length };
    this.parts.metrics.blocks.committed(this.chainId, (this.parts.clock.now() - seenAtMs) / 1000, counts);
    this.parts.metrics.follower.set(this.chainId, 'cursor', block.number);
    if (tips.length > 0) this.logger.debug('block.committed', { chainId: this.chainId, block: block.number, ...counts });
    for (const { log, code } of quarantined)
      this.logger.warn('log.quarantined', { chainId: this.chainId, txHash: log.txHash, logIndex: log.logIndex, code });
  }
}

async function firstBlock(reader: ChainReader, startBlock: number | undefined): Promise<BlockHeader> {
  const head = await reader.head();
  // The cursor is the last block that was read, so it stands one before the first that is to be read.
  const start = Math.max(0, Math.min((startBlock ?? head.number + 1) - 1, head.number - START_DEPTH));
  const block = await reader.blockByNumber(start);
  if (block !== undefined) return block;
  reader.doubt(head);
  throw new ChainUnavailable('No node knows the block to start from.', { context: { chainId: reader.chainId, block: start } });
}
