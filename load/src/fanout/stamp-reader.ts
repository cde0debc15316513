import { BUCKETS_A_MS, exactNow, STAMP_CLOSES, STAMP_OPENS } from './crowd-orders.js';

const OPENS = Buffer.from(STAMP_OPENS);
const [TILDE] = Buffer.from(STAMP_CLOSES);
const BUCKETS = 5000 * BUCKETS_A_MS;

/** Finds the stamps in what sockets receive, and counts them by age. */
export class StampReader {
  deliveries = 0;
  /** Sockets that ended though nobody here ended them. */
  lost = 0;
  private readonly counts = new Uint32Array(BUCKETS);

  reset(): void {
    this.deliveries = 0;
    this.counts.fill(0);
  }

  /** What is left over may be the first part of a stamp and belongs before the next chunk of this socket. */
  read(chunk: Buffer, carry: Buffer | undefined): Buffer | undefined {
    const bytes = carry === undefined ? chunk : Buffer.concat([carry, chunk]);
    const now = exactNow();
    let at = bytes.indexOf(OPENS);
    let end = 0;
    while (at >= 0) {
      const close = bytes.indexOf(TILDE ?? 0, at + OPENS.length);
      if (close < 0) return Buffer.from(bytes.subarray(at));
      this.count(now - Number(bytes.toString('latin1', at + OPENS.length, close)));
      end = close + 1;
      at = bytes.indexOf(OPENS, end);
    }
    const isTorn = bytes.length > end && bytes[bytes.length - 1] === TILDE;
    return isTorn ? Buffer.from(bytes.subarray(-1)) : undefined;
  }

  buckets(): [number, number][] {
    return [...this.counts.entries()].filter(([, count]) => count > 0);
  }

  private count(ageMs: number): void {
    const bucket = Math.max(0, Math.min(BUCKETS - 1, Math.floor(ageMs * BUCKETS_A_MS)));
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.deliveries += 1;
  }
}
