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

  free(page: PageLockManager): void {
    for (const [name, holder] of this.holders) {
      if (holder !== page) continue;
      this.holders.delete(name);
      this.waiting.get(name)?.shift()?.grant();
    }
  }
}

export class PageLockManager implements LockManagerLike {
  constructor(private readonly locks: PageLocks) {}

  end(): void {
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
        void callback({ name })?.then(resolve);
      };
      if (this.locks.holder(name) === undefined) grant();
      else if (options.ifAvailable === true) {
        void callback(null);
        resolve(undefined);
      } else {
        this.locks.queue(name, { page: this, grant });
        options.signal?.addEventListener('abort', () => {
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
}
