import type { BlockHeader, ChainLog, Hex } from '@droppio/tips';

/** A block with what was read of it. */
export interface ReadBlock {
  readonly block: BlockHeader;
  readonly seenAtMs: number;
  readonly logs: readonly ChainLog[];
}

const MOST_BLOCKS = 256;
/** Bounds the memory on chains whose tokens move all the time: about 10 MB. */
const MOST_LOGS = 16_384;

/** The blocks read last, so that a wallet that appears now can be looked for in them without asking the nodes once more. */
export class RecentBlocks {
  private readonly blocks = new Map<Hex, ReadBlock>();
  private logs = 0;

  get(hash: Hex): ReadBlock | undefined {
    return this.blocks.get(hash);
  }

  add(read: ReadBlock): void {
    this.remove(read.block.hash);
    this.blocks.set(read.block.hash, read);
    this.logs += read.logs.length;
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= MOST_BLOCKS && this.logs <= MOST_LOGS) return;
      this.remove(oldest);
    }
  }

  private remove(hash: Hex): void {
    this.logs -= this.blocks.get(hash)?.logs.length ?? 0;
    this.blocks.delete(hash);
  }
}
