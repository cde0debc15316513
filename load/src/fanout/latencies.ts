import { BUCKETS_A_MS } from './crowd-orders.js';

/** Millions of latencies as counts, exact to a tenth of a millisecond. */
export class Latencies {
  private readonly counts = new Map<number, number>();
  private readonly total: number;

  constructor(buckets: readonly (readonly [number, number])[]) {
    let total = 0;
    for (const [bucket, count] of buckets) {
      this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + count);
      total += count;
    }
    this.total = total;
  }

  /** Milliseconds, nearest rank; NaN when there are none. */
  percentile(p: number): number {
    const rank = Math.max(1, Math.ceil((p / 100) * this.total));
    let seen = 0;
    for (const [bucket, count] of [...this.counts].sort(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= rank) return (bucket + 1) / BUCKETS_A_MS;
    }
    return Number.NaN;
  }
}
