import { Injectable } from '@nestjs/common';
import { RateCounter } from '@droppio/tips';
import type { Request } from 'express';
import { CreatorsOptions } from '../../creators-options.js';
import { TooManyRequests } from '../../errors.js';
import { addressOf, RATE_WINDOW_MS } from './rate-limits.js';

/** Addresses that are shut out at a time; beyond, the one that was shut out first comes back early. */
const MAX_SHUT_OUT = 10_000;

/**
 * Answers wrong credentials so often and no more. Two kinds, because an address is a household, an office or a whole provider: what somebody
 * made up may hit the operator's token, the one secret that a person chooses, so that one is not believed either while an address guesses. A
 * session that ended or a token that was deleted guesses nothing, and costs nobody but itself.
 */
@Injectable()
export class FailedCredentials {
  /** Address → when its window ends. Each process learns of it at the first wrong guess that it hears itself. */
  private readonly shutOut = new Map<string, number>();

  constructor(
    private readonly options: CreatorsOptions,
    private readonly counter: RateCounter,
  ) {}

  /** Throws `TooManyRequests`. To be asked before somebody learns that a guess was right. */
  check(request: Request): void {
    const until = this.shutOut.get(addressOf(request));
    if (until === undefined) return;
    const leftMs = until - performance.now();
    if (leftMs > 0) throw tooMany(leftMs);
    this.shutOut.delete(addressOf(request));
  }

  /** Counts a wrong guess. Throws `TooManyRequests` when it was one too many. */
  async countGuess(request: Request): Promise<void> {
    const { failures } = this.options.rates;
    if (failures === 0) return;
    this.check(request);
    const address = addressOf(request);
    const { hits, resetMs } = await this.counter.hit(`failures:${address}`, RATE_WINDOW_MS);
    if (hits < failures) return;
    this.remember(address, performance.now() + resetMs);
    if (hits > failures) throw tooMany(resetMs);
  }

  /** Counts a request with credentials that no longer work, or with none. Throws `TooManyRequests` when it was one too many. */
  async countRefusal(request: Request): Promise<void> {
    const limit = this.options.rates.address;
    if (limit === 0) return;
    const { hits, resetMs } = await this.counter.hit(`refusals:${addressOf(request)}`, RATE_WINDOW_MS);
    if (hits > limit) throw tooMany(resetMs);
  }

  private remember(address: string, until: number): void {
    const [first] = this.shutOut.keys();
    if (this.shutOut.size >= MAX_SHUT_OUT && first !== undefined) this.shutOut.delete(first);
    this.shutOut.set(address, until);
  }
}

function tooMany(leftMs: number): TooManyRequests {
  return new TooManyRequests('Too many requests without valid credentials from this address.', Math.max(1, Math.ceil(leftMs / 1000)));
}
