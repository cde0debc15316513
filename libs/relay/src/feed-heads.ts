import type { FeedPosition } from '@droppio/tips';

const MAX_CREATORS = 10_000;
/** An epoch changes when a backup is restored, which nobody tells us: so what was read is checked anew after this long. */
const BELIEVED_MS = 60_000;

interface Entry {
  position: FeedPosition;
  readonly verifiedAtMs: number;
}

/**
 * Where each creator's feed was last seen, so that a drain can append at once instead of asking first. A guess: the feed refuses what does
 * not fit.
 */
export class FeedHeads {
  /** Longest unused first. */
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly now: () => number) {}

  get(creatorId: string): FeedPosition | undefined {
    return this.entries.get(creatorId)?.position;
  }

  /** To be compared with feed and ledger again, at leisure. */
  isOld(creatorId: string): boolean {
    const entry = this.entries.get(creatorId);
    return entry === undefined || this.now() - entry.verifiedAtMs > BELIEVED_MS;
  }

  /** Read from feed and ledger just now. */
  verified(creatorId: string, position: FeedPosition): void {
    this.entries.delete(creatorId);
    this.entries.set(creatorId, { position, verifiedAtMs: this.now() });
    if (this.entries.size <= MAX_CREATORS) return;
    const [longestUnused] = this.entries.keys();
    if (longestUnused !== undefined) this.entries.delete(longestUnused);
  }

  /** As an append has answered. */
  moved(creatorId: string, position: FeedPosition): void {
    const entry = this.entries.get(creatorId);
    if (entry !== undefined) entry.position = position;
  }

  forget(creatorId: string): void {
    this.entries.delete(creatorId);
  }
}
