import { RateCounter, type RateWindow } from '@droppio/tips';

/** About 10 MB. */
const MAX_KEYS = 50_000;

interface Counted {
  hits: number;
  readonly endsAt: number;
}

export interface MemoryRateOptions {
  readonly maxKeys?: number;
  /** Milliseconds; need not be the time of day. */
  readonly now?: () => number;
}

/** Counts for one process. Bounded: where strangers bring more keys than there is room, the oldest windows are forgotten first. */
export class MemoryRateCounter extends RateCounter {
  /** In the order of their beginnings. */
  private readonly windows = new Map<string, Counted>();
  private readonly maxKeys: number;
  private readonly now: () => number;

  constructor({ maxKeys = MAX_KEYS, now = () => Math.floor(performance.now()) }: MemoryRateOptions = {}) {
    super();
    this.maxKeys = maxKeys;
    this.now = now;
  }

  get size(): number {
    return this.windows.size;
  }

  override hit(key: string, windowMs: number): Promise<RateWindow> {
    const now = this.now();
    const found = this.windows.get(key);
    const counted = found !== undefined && found.endsAt > now ? found : this.begin(key, now + windowMs, now);
    counted.hits += 1;
    return Promise.resolve({ hits: counted.hits, resetMs: counted.endsAt - now });
  }

  override close(): Promise<void> {
    this.windows.clear();
    return Promise.resolve();
  }

  private begin(key: string, endsAt: number, now: number): Counted {
    // Deleted first: a key that begins anew goes to the end of the order.
    this.windows.delete(key);
    for (const [oldest, window] of this.windows) {
      if (window.endsAt > now && this.windows.size < this.maxKeys) break;
      this.windows.delete(oldest);
    }
    const counted = { hits: 0, endsAt };
    this.windows.set(key, counted);
    return counted;
  }
}
