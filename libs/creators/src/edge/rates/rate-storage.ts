import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { RateCounter } from '@droppio/tips';

type Record = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/** The throttler's storage on our port: Redis where there is one, else this process. */
@Injectable()
export class RateStorage implements ThrottlerStorage {
  constructor(private readonly counter: RateCounter) {}

  /** Who went too far waits for the end of the window: blocking longer would punish retries, not load. */
  async increment(key: string, ttl: number, limit: number): Promise<Record> {
    const { hits, resetMs } = await this.counter.hit(key, ttl);
    const seconds = Math.max(1, Math.ceil(resetMs / 1000));
    return { totalHits: hits, timeToExpire: seconds, isBlocked: hits > limit, timeToBlockExpire: hits > limit ? seconds : 0 };
  }
}
