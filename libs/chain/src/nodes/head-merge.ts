import type { BlockHeader, Hex } from '@droppio/tips';

const REMEMBERED = 512;

/**
 * Many endpoints tell of heads; each block is worth telling once. A block at a height that was told before is a rival: it is passed on when
 * the endpoint had itself been as high (it changed its mind), or when it is told a second time, by whomever; else it waits for its child.
 */
export class HeadMerge {
  private readonly told = new Set<Hex>();
  private readonly rivals = new Set<Hex>();
  private readonly heights = new Map<string, number>();
  private newest = -1;

  /** Should this head be passed on? */
  admit(head: BlockHeader, endpoint: string): boolean {
    const before = this.heights.get(endpoint) ?? -1;
    this.heights.set(endpoint, head.number);
    if (this.told.has(head.hash)) return false;
    if (head.number > this.newest || before >= head.number || this.rivals.has(head.hash)) return this.tell(head);
    remember(this.rivals, head.hash);
    return false;
  }

  private tell(head: BlockHeader): boolean {
    // Not the maximum: after a chain went back, the blocks of its new branch are news at once.
    this.newest = head.number;
    remember(this.told, head.hash);
    this.rivals.delete(head.hash);
    return true;
  }
}

function remember(kept: Set<Hex>, hash: Hex): void {
  kept.add(hash);
  for (const oldest of kept) {
    if (kept.size <= REMEMBERED) return;
    kept.delete(oldest);
  }
}
