import type { RateCounter } from '@droppio/tips';
import type { Request } from 'express';
import { TooManyRequests } from '../../errors.js';
import { addressOf, RATE_WINDOW_MS } from './rate-limits.js';

/** What the guard counts for routes that are open, counted where no guard stands. Throws `TooManyRequests` when it was one too many. */
export async function hitAddress(counter: RateCounter, limit: number, request: Request): Promise<void> {
  const { hits, resetMs } = await counter.hit(`address:${addressOf(request)}`, RATE_WINDOW_MS);
  if (hits <= limit) return;
  throw new TooManyRequests(`More than ${String(limit)} requests a minute (address).`, Math.max(1, Math.ceil(resetMs / 1000)));
}
