import type { BlockHeader, BlockRef, Hex } from '@droppio/tips';

export type Link = BlockRef & Pick<BlockHeader, 'parentHash'>;

/** The newest committed blocks, each the parent of the next: what a new head is held against. */
export class BlockWindow {
  private links: Link[];
  private readonly heights = new Map<Hex, number>();

  /** `newestFirst` as the ledger lists them; a break in the chain ends what is used. */
  constructor(
    newestFirst: readonly Link[],
    private readonly limit: number,
  ) {
    const linked: Link[] = [];
    for (const link of newestFirst) {
      const child = linked.at(-1);
      if (child !== undefined && (child.parentHash !== link.hash || child.number !== link.number + 1)) break;
      linked.push(link);
    }
    this.links = linked.reverse();
    for (const link of this.links) this.heights.set(link.hash, link.number);
  }

  get tip(): Link | undefined {
    return this.links.at(-1);
  }

  get oldest(): Link | undefined {
    return this.links[0];
  }

  has(hash: Hex): boolean {
    return this.heights.has(hash);
  }

  at(number: number): Link | undefined {
    const { oldest } = this;
    return oldest === undefined ? undefined : this.links[number - oldest.number];
  }

  append(link: Link): void {
    this.links.push({ number: link.number, hash: link.hash, parentHash: link.parentHash });
    this.heights.set(link.hash, link.number);
    // In slices: shifting an array for every block would move the whole window each time.
    if (this.links.length < this.limit * 2) return;
    for (const old of this.links.splice(0, this.links.length - this.limit)) this.heights.delete(old.hash);
  }

  /** Forgets everything above the ancestor. */
  cutTo(ancestor: BlockRef): void {
    const { oldest } = this;
    if (oldest === undefined) return;
    for (const gone of this.links.splice(ancestor.number - oldest.number + 1)) this.heights.delete(gone.hash);
  }
}
