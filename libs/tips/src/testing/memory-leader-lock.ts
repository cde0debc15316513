import { LeaderLock } from '../ports/leader-lock.js';

/** What the processes of a test share: who holds which chain. */
export class LockTable {
  readonly holders = new Map<number, MemoryLeaderLock>();
}

/** One process's side of a `LockTable`. */
export class MemoryLeaderLock extends LeaderLock {
  private isClosed = false;

  constructor(private readonly table: LockTable) {
    super();
  }

  override take(chainId: number): Promise<boolean> {
    const holder = this.table.holders.get(chainId);
    if (this.isClosed || (holder !== undefined && holder !== this)) return Promise.resolve(false);
    this.table.holders.set(chainId, this);
    return Promise.resolve(true);
  }

  override give(chainId: number): Promise<void> {
    if (this.table.holders.get(chainId) === this) this.table.holders.delete(chainId);
    return Promise.resolve();
  }

  override close(): Promise<void> {
    this.isClosed = true;
    this.lose();
    return Promise.resolve();
  }

  /** As when its connection breaks: all fall, and others may be quicker to take them. */
  lose(): void {
    for (const [chainId, holder] of this.table.holders) if (holder === this) this.table.holders.delete(chainId);
  }
}
