import type { BlockHeader, BlockRef, Hex } from '@droppio/tips';

const REMEMBERED = 512;

/**
 * Many endpoints tell of heads; each block is worth telling once. A block at a height that was told before is a rival: it is passed on when
 * the endpoint had itself been as high (it changed its mind), or when it is told a second time, by whomever; else it waits for its child.
 * A block that was told is told again when an endpoint goes back to it: the branch that was left may be the one that stands after all.
 */
export class HeadMerge {
  private readonly told = new Set<Hex>();
  private readonly rivals = new Set<Hex>();
  private readonly latest = new Map<string, BlockRef>();
  private newest = -1;

  /** Should this head be passed on? */
  admit(head: BlockHeader, endpoint: string): boolean {
    const before = this.latest.get(endpoint);
    this.latest.set(endpoint, head);
    if (before?.hash === head.hash && this.told.has(head.hash)) return false;
    const changedItsMind = before !== undefined && before.number >= head.number;
    if (changedItsMind || head.number > this.newest) return this.tell(head);
    if (this.told.has(head.hash)) return false;
    if (this.rivals.has(head.hash)) return this.tell(head);
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
