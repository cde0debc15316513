import { ChainUnavailable, ReorgTooDeep, type BlockHeader, type ChainReader } from '@droppio/tips';
import type { ChainSettings } from '../chain-settings.js';
import type { ChainMetrics } from '../metrics.js';
import type { BlockReader } from './block-reader.js';
import { BlockWalker, ForkTooDeep, LeadsNowhere, type Path } from './block-walker.js';
import type { ChainCommitter } from './chain-committer.js';
import type { Finality } from './finality.js';
import type { FinalityAudit } from './finality-audit.js';
import type { HeadHint } from './head-inbox.js';
import type { Preconfirmations } from './preconfirmations.js';
import type { Newcomers } from './newcomers.js';

/** Blocks that are walked and committed at once while catching up: small enough to hold, large enough to fetch side by side. */
const STRIDE = 128;

export interface LeaderParts {
  readonly reader: ChainReader;
  readonly blocks: BlockReader;
  readonly finality: Finality;
  readonly metrics: ChainMetrics;
  /** Absent: the word of one node is enough to call blocks final. */
  readonly audit?: FinalityAudit | undefined;
  readonly newcomers?: Newcomers | undefined;
  /** Absent: nothing is told before its block. */
  readonly early?: Preconfirmations | undefined;
}

/** Moves a chain's cursor to the heads that are told, block by block and never over a gap. */
export class ChainLeader {
  private readonly walker: BlockWalker;

  constructor(
    private readonly chain: Pick<ChainSettings, 'chainId' | 'confirmations'>,
    private readonly committer: ChainCommitter,
    private readonly parts: LeaderParts,
  ) {
    this.walker = new BlockWalker(parts.reader);
  }

  get height(): number {
    return this.committer.window.tip?.number ?? -1;
  }

  /**
   * Brings the ledger to this head, or as near as `confirmations` allow. A head that is committed already, or that nobody else stands on,
   * changes nothing. Throws whatever the reader and the ledger throw; what is committed by then stays.
   */
  async follow(hint: HeadHint, over: AbortSignal): Promise<void> {
    const head = await this.credible(hint.head);
    if (head === undefined) return;
    try {
      await this.goTo(head, hint.receivedAtMs, over);
    } catch (error) {
      if (error instanceof LeadsNowhere) this.parts.reader.doubt(head);
      throw error instanceof ForkTooDeep ? await this.secondOpinion(error) : error;
    }
  }

  private async goTo(head: BlockHeader, receivedAtMs: number, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const target = await this.nextTarget(head);
      const path = await this.walker.path(target, this.committer.window, this.parts.finality.finalizedNumber);
      const isLast = target.hash === head.hash;
      // Depth is counted from what was walked, not from a head that may never be reached.
      await this.apply({ ...path, branch: this.ripe(path, target) }, { head: target, receivedAtMs }, over);
      if (isLast) break;
    }
  }

  /** A person is called only when the fork is more than one provider's word: else one that lies could stop every chain. */
  private async secondOpinion(fork: ForkTooDeep): Promise<Error> {
    if (await this.parts.reader.hasLeft(fork.ours)) return fork;
    this.parts.metrics.blocks.falseReorgAvoided(this.chain.chainId, 'lone-branch');
    const { context } = fork;
    return new ChainUnavailable('Only one provider tells of a fork that is too deep to be undone.', { cause: fork, context });
  }

  /** Tells of tips that nodes promise for the block after `head`, and takes back what no block held in time. */
  async promise(head: number): Promise<void> {
    const { early } = this.parts;
    const promised = early?.take(Math.max(head, this.height));
    if (promised !== undefined) await this.committer.sight(promised);
    const { height } = this;
    const due = early?.due(height);
    if (due === undefined) return;
    await this.committer.drop(due);
    early?.dropped(height);
  }

  /**
   * Raises states towards what the chain has settled meanwhile; asks in the background how far that is. Whether there is nothing left to raise:
   * many tips take many calls, and a block that comes between two of them goes first.
   */
  async settle(): Promise<boolean> {
    this.parts.newcomers?.visit(this.committer.window);
    void this.parts.finality.refresh(this.committer.window.tip?.hash);
    const settled = this.parts.finality.due(this.committer.window);
    const { audit } = this.parts;
    const due = settled !== undefined && audit !== undefined ? audit.admit(settled, this.committer.window) : settled;
    if (due === undefined) return true;
    const isAll = await this.committer.finalize(due);
    this.parts.finality.applies(due, isAll);
    if (isAll && due.finalized !== undefined) this.parts.metrics.follower.set(this.chain.chainId, 'finalized', due.finalized.number);
    return isAll;
  }

  /** The head to go to; `undefined` when there is nothing to do. */
  private async credible(head: BlockHeader): Promise<BlockHeader | undefined> {
    const { window } = this.committer;
    if (window.has(head.hash)) {
      if (head.hash !== window.tip?.hash) this.parts.metrics.blocks.falseReorgAvoided(this.chain.chainId, 'lagging-node');
      return undefined;
    }
    if (head.number > this.height) return head;
    // A strange block that is no higher than ours: a node left behind on a dead branch says just the same as a real fork. The best head decides.
    const best = await this.parts.reader.head();
    if (!window.has(best.hash)) return best;
    this.parts.metrics.blocks.falseReorgAvoided(this.chain.chainId, 'stale-branch');
    return undefined;
  }

  private async nextTarget(head: BlockHeader): Promise<BlockHeader> {
    const next = this.height + STRIDE;
    if (head.number <= next) return head;
    // By number, which is as good as any other claim of a head: it must still lead back to our blocks by parent hashes.
    const block = await this.parts.reader.blockByNumber(next);
    if (block === undefined)
      throw new LeadsNowhere('A head was told beyond blocks that no node knows.', { context: { head: head.number } });
    return block;
  }

  /** The part of a branch that has enough blocks on top. */
  private ripe({ branch }: Path, head: BlockHeader): readonly BlockHeader[] {
    const highest = head.number - (this.chain.confirmations - 1);
    return branch.filter((block) => block.number <= highest);
  }

  private async apply(path: Path, { head, receivedAtMs: seenAtMs }: HeadHint, over: AbortSignal): Promise<void> {
    const { blocks } = this.parts;
    if (path.ancestor.hash === this.committer.window.tip?.hash) {
      for await (const commit of blocks.readAll(path.branch, seenAtMs)) {
        if (over.aborted) return;
        await this.committer.append({ ...commit, onTop: head.number - commit.block.number });
        this.parts.early?.sealed(commit);
      }
      return;
    }
    const branch = [];
    for await (const commit of blocks.readAll(path.branch, seenAtMs)) branch.push({ ...commit, onTop: head.number - commit.block.number });
    if (over.aborted) return;
    await this.committer.reorganise(path, branch).catch((error: unknown) => {
      // The ledger knows better than this process what is final.
      const ours = this.committer.window.at(path.ancestor.number + 1);
      throw error instanceof ReorgTooDeep && ours !== undefined
        ? new ForkTooDeep(error.message, ours, { cause: error, context: error.context })
        : error;
    });
    for (const commit of branch) this.parts.early?.sealed(commit);
  }
}
