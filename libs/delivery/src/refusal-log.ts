import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '@droppio/tips';
import { prefixOf } from './client-address.js';
import { TokenBucket } from './token-bucket.js';

const LINES = { perSecond: 0.1, burst: 5 };

/** Says where tokens come from that nobody signed. One line stands for many: whoever tries a million may not fill the disk as well. */
@Injectable()
export class RefusalLog {
  private readonly log = new Logger('delivery');
  private readonly lines: TokenBucket;
  private unsaid = 0;

  constructor(private readonly clock: Clock) {
    this.lines = new TokenBucket(LINES.perSecond, LINES.burst, clock.now());
  }

  badToken(network: string): void {
    this.unsaid += 1;
    if (!this.lines.take(this.clock.now())) return;
    this.log.warn('token.refused', { from: prefixOf(network), sinceLastLine: this.unsaid });
    this.unsaid = 0;
  }
}
