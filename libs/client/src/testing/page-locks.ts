import type { LockManagerLike } from '../instance.js';

interface Waiting {
  readonly page: PageLockManager;
  readonly grant: () => void;
}

/** The Web Locks of one origin: what several pages hold, and what is given on when one of them ends. */
export class PageLocks {
  private readonly holders = new Map<string, PageLockManager>();
  private readonly waiting = new Map<string, Waiting[]>();

  page(): PageLockManager {
    return new PageLockManager(this);
  }

  holder(name: string): PageLockManager | undefined {
    return this.holders.get(name);
  }

  hold(name: string, page: PageLockManager): void {
    this.holders.set(name, page);
  }

  queue(name: string, waiting: Waiting): void {
    this.waiting.set(name, [...(this.waiting.get(name) ?? []), waiting]);
  }

  /** The page is gone: what it holds goes on, what it waits for it will not get. */
  free(page: PageLockManager): void {
    for (const [name, waiting] of this.waiting) {
      this.waiting.set(
        name,
        waiting.filter((other) => other.page !== page),
      );
    }
    for (const [name, holder] of this.holders) if (holder === page) this.release(name, page);
  }

  release(name: string, page: PageLockManager): void {
    if (this.holders.get(name) !== page) return;
    this.holders.delete(name);
    this.waiting.get(name)?.shift()?.grant();
  }

  forget(name: string, grant: () => void): void {
    this.waiting.set(
      name,
      (this.waiting.get(name) ?? []).filter((other) => other.grant !== grant),
    );
  }
}

export class PageLockManager implements LockManagerLike {
  constructor(private readonly locks: PageLocks) {}

  isGone = false;

  end(): void {
    this.isGone = true;
    this.locks.free(this);
  }

  request(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    callback: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const grant = (): void => {
        this.locks.hold(name, this);
        const held = callback({ name }) ?? Promise.resolve();
        void held.then(() => {
          this.locks.release(name, this);
          resolve(undefined);
        });
      };
      if (this.locks.holder(name) === undefined) grant();
      else if (options.ifAvailable === true) {
        void callback(null);
        resolve(undefined);
      } else {
        this.locks.queue(name, { page: this, grant });
        options.signal?.addEventListener('abort', () => {
          this.locks.forget(name, grant);
          reject(new Error('AbortError'));
        });
      }
    });
  }
}

export class MemoryTab {
  private readonly map = new Map<string, string>();

  getItem(key: string): string | null {
    return this.map.get(key) ?? null;
  }

  setItem(key: string, text: string): void {
    this.map.set(key, text);
  }

  /** As it was on the disk when the browser was killed. */
  copy(): MemoryTab {
    const copy = new MemoryTab();
    for (const [key, text] of this.map) copy.setItem(key, text);
    return copy;
  }
}
