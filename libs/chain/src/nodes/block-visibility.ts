import type { Hex } from '@droppio/tips';

const REMEMBERED = 512;

/** How much later than the first of its chain an endpoint tells of a block. */
export class BlockVisibility {
  private readonly firstAtMs = new Map<Hex, number>();
  private readonly newestOf = new Map<string, Hex>();

  /** Milliseconds; `undefined` when this endpoint has told of just this block before. */
  told(hash: Hex, endpoint: string, atMs: number): number | undefined {
    if (this.newestOf.get(endpoint) === hash) return undefined;
    this.newestOf.set(endpoint, hash);
    const first = this.firstAtMs.get(hash);
    if (first !== undefined) return Math.max(0, atMs - first);
    this.firstAtMs.set(hash, atMs);
    for (const oldest of this.firstAtMs.keys()) {
      if (this.firstAtMs.size <= REMEMBERED) break;
      this.firstAtMs.delete(oldest);
    }
    return 0;
  }
}
