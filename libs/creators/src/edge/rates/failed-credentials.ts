import { Injectable } from '@nestjs/common';
import { RateCounter } from '@droppio/tips';
import type { Request } from 'express';
import { CreatorsOptions } from '../../creators-options.js';
import { TooManyRequests } from '../../errors.js';
import { addressOf, RATE_WINDOW_MS } from './rate-limits.js';

/** Addresses that are shut out at a time; beyond, the one that was shut out first comes back early. */
const MAX_SHUT_OUT = 10_000;

/**
 * Who shows wrong credentials too often is not listened to until the window ends, not even with right ones: guesses are answered alike,
 * and cost the database nothing.
 */
@Injectable()
export class FailedCredentials {
  /** Address → when its window ends. Each process learns of it at the first wrong guess that it hears itself. */
  private readonly shutOut = new Map<string, number>();

  constructor(
    private readonly options: CreatorsOptions,
    private readonly counter: RateCounter,
  ) {}

  /** Throws `TooManyRequests`. To be asked before credentials are looked at, and again before anybody learns what they were worth. */
  check(request: Request): void {
    const until = this.shutOut.get(addressOf(request));
    if (until === undefined) return;
    const leftMs = until - performance.now();
    if (leftMs > 0) throw tooMany(leftMs);
    this.shutOut.delete(addressOf(request));
  }

  /** Counts a wrong guess. Throws `TooManyRequests` when it was one too many. */
  async count(request: Request): Promise<void> {
    const { failures } = this.options.rates;
    if (failures === 0) return;
    this.check(request);
    const address = addressOf(request);
    const { hits, resetMs } = await this.counter.hit(`failures:${address}`, RATE_WINDOW_MS);
    if (hits < failures) return;
    this.remember(address, performance.now() + resetMs);
    if (hits > failures) throw tooMany(resetMs);
  }

  private remember(address: string, until: number): void {
    const [first] = this.shutOut.keys();
    if (this.shutOut.size >= MAX_SHUT_OUT && first !== undefined) this.shutOut.delete(first);
    this.shutOut.set(address, until);
  }
}

function tooMany(leftMs: number): TooManyRequests {
  return new TooManyRequests('Too many wrong credentials from this address.', Math.max(1, Math.ceil(leftMs / 1000)));
}
