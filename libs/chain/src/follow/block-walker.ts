import {
  ChainUnavailable,
  ReorgTooDeep,
  type BlockHeader,
  type BlockRef,
  type ChainReader,
  type ErrorOptions,
  type Hex,
} from '@droppio/tips';
import type { BlockWindow, Link } from './block-window.js';

export interface Path {
  /** Newest committed block that the head stands on. */
  readonly ancestor: Link;
  /** From the ancestor's child to the head, each the parent of the next. */
  readonly branch: readonly BlockHeader[];
}

/** A head that cannot be followed: what it stands on is known to nobody. */
export class LeadsNowhere extends ChainUnavailable {}

/** Too deep to be undone on one provider's word, or at all. */
export class ForkTooDeep extends ReorgTooDeep {
  constructor(
    message: string,
    /** A block that would have to go, at a height that the other branch has reached. */
    readonly ours: BlockRef,
    options: ErrorOptions,
  ) {
    super(message, options);
  }
}

const PREFETCHED_AT_ONCE = 16;
/** Walking back one request at a time is quicker than guessing for gaps up to this. */
const SMALL_GAP = 2;
const REMEMBERED = 2048;

/** Finds the way from the committed chain to a head, by parent hashes alone: numbers only guess which headers will be needed. */
export class BlockWalker {
  private readonly headers = new Map<Hex, BlockHeader>();

  constructor(private readonly reader: ChainReader) {}

  /**
   * Throws `ForkTooDeep` when the head does not stand on any block of the window or stands below `finalized`, `LeadsNowhere` when no node
   * knows a parent.
   */
  async path(head: BlockHeader, window: BlockWindow, finalized: number): Promise<Path> {
    const { tip, oldest } = window;
    if (tip === undefined || oldest === undefined) throw new TypeError('a path needs a committed block to start from');
    // Lower than all we remember: nothing can be said by parent hashes until these nodes have caught up.
    if (head.number <= oldest.number)
      throw new ChainUnavailable('The nodes are far behind what is stored, or serve another history.', {
        context: { head: head.number, cursor: tip.number },
      });
    this.remember(head);
    await this.prefetch(tip.number + 1, head.number - 1, tip, head);
    const branch: BlockHeader[] = [];
    let block = head;
    while (!window.has(block.parentHash)) {
      branch.push(block);
      if (block.number - 1 <= oldest.number) throw tooDeep(head, tip, oldest, 'it does not stand on any remembered block');
      block = await this.parentOf(block);
    }
    branch.push(block);
    const ancestor = window.at(block.number - 1);
    if (ancestor?.hash !== block.parentHash)
      throw new LeadsNowhere('A node told a block with the wrong height.', { context: { block: block.number } });
    if (ancestor.number < finalized && ancestor.hash !== tip.hash)
      throw tooDeep(head, tip, window.at(ancestor.number + 1) ?? tip, 'it would undo finalised blocks');
    return { ancestor, branch: branch.reverse() };
  }

  private async parentOf(block: BlockHeader): Promise<BlockHeader> {
    const parent = this.headers.get(block.parentHash) ?? (await this.reader.blockByHash(block.parentHash));
    if (parent === undefined)
      throw new LeadsNowhere('No node knows the parent of a block that was told.', { context: { block: block.number } });
    if (parent.hash !== block.parentHash || parent.number !== block.number - 1) {
      throw new LeadsNowhere('A node told a parent that does not fit its child.', { context: { block: block.number } });
    }
    this.remember(parent);
    return parent;
  }

  /** What turns out to lie on another branch is simply never used. */
  private async prefetch(from: number, to: number, tip: BlockRef, head: BlockHeader): Promise<void> {
    if (to - from < SMALL_GAP || head.parentHash === tip.hash) return;
    for (let at = from; at <= to; at += PREFETCHED_AT_ONCE) {
      const numbers = Array.from({ length: Math.min(PREFETCHED_AT_ONCE, to - at + 1) }, (_, index) => at + index);
      const found = await Promise.allSettled(numbers.map((number) => this.reader.blockByNumber(number)));
      for (const answer of found) if (answer.status === 'fulfilled' && answer.value !== undefined) this.remember(answer.value);
    }
  }

  private remember(header: BlockHeader): void {
    this.headers.set(header.hash, header);
    for (const oldest of this.headers.keys()) {
      if (this.headers.size <= REMEMBERED) return;
      this.headers.delete(oldest);
    }
  }
}

function tooDeep(head: BlockRef, tip: BlockRef, ours: BlockRef, why: string): ForkTooDeep {
  return new ForkTooDeep(`The chain forked deeper than may be undone: ${why}.`, ours, {
    context: { head: head.number, headHash: head.hash, cursor: tip.number, cursorHash: tip.hash, ours: ours.number },
  });
}
