import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { BrokerUnavailable, RateCounter, type RateWindow } from '@droppio/tips';
import * as z from 'zod';
import type { Database } from '../database.js';
import type { FeedStoreMetrics } from './feed-metrics.js';
import { inTime } from './in-time.js';

/** A request waits no longer for being counted. The first ones of a process also wait for connections. */
const [WAIT_MS, FIRST_WAIT_MS] = [250, 2000];
const REST_MS = 1000;
/** Beyond this an index takes no key; whoever calls so counts for himself. */
const KEY_MAX = 1000;

/** $1 key, $2 length of a window in milliseconds. The row lock makes hits one after the other, and the clock is read when it is had. */
export const HIT = `
INSERT INTO rate_windows AS r (key, hits, ends_at) VALUES ($1, 1, clock_timestamp() + $2::double precision * interval '1 millisecond')
ON CONFLICT (key) DO UPDATE SET
  hits = CASE WHEN r.ends_at > clock_timestamp() THEN r.hits + 1 ELSE 1 END,
  ends_at = CASE WHEN r.ends_at > clock_timestamp() THEN r.ends_at ELSE clock_timestamp() + $2::double precision * interval '1 millisecond' END
RETURNING hits, (extract(epoch FROM ends_at - clock_timestamp()) * 1000)::double precision AS left_ms`;
const Hit = z.object({ hits: z.number(), left_ms: z.number() });

/** One row a window, for all processes of a database. While it does not answer, this process counts for itself. */
export class PostgresRateCounter extends RateCounter {
  private readonly log = new Logger('storage');
  private restUntil = 0;
  private wasReached = false;
  private isClosed = false;

  /** `alone`: counts where the database does not. */
  constructor(
    private readonly database: Database,
    private readonly alone: RateCounter,
    private readonly metrics: FeedStoreMetrics,
  ) {
    super();
  }

  override async hit(key: string, windowMs: number): Promise<RateWindow> {
    if (performance.now() >= this.restUntil && key.length <= KEY_MAX && !this.isClosed) {
      try {
        const patienceMs = this.wasReached ? WAIT_MS : FIRST_WAIT_MS;
        const [window] = await inTime('a count', this.database.rows(Hit, HIT, [key, windowMs]), patienceMs);
        if (window === undefined) throw new BrokerUnavailable('Postgres gave no count.');
        this.wasReached = true;
        return { hits: window.hits, resetMs: Math.min(windowMs, Math.max(1, Math.ceil(window.left_ms))) };
      } catch (error) {
        // Not every request shall wait for it.
        this.restUntil = performance.now() + REST_MS;
        this.log.warn('rates.local', errorFields(error));
      }
    }
    this.metrics.countedAlone();
    return this.alone.hit(key, windowMs);
  }

  override async close(): Promise<void> {
    this.isClosed = true;
    await this.alone.close();
  }
}
