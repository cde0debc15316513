import { TokenBucket } from './token-bucket.js';

/** Networks remembered, about; more than that come from a flood, which the rate of the process stops. */
const NETWORKS_MAX = 50_000;

/**
 * One bucket per network. Whoever does not come back while half as many others come as there is room for is forgotten: what is remembered is
 * bounded, costs the same for the millionth network as for the first, and a flood of networks does not lift the limit of one that goes on.
 */
export class NetworkRates {
  private recent = new Map<string, TokenBucket>();
  private older = new Map<string, TokenBucket>();

  constructor(
    private readonly perMinute: number,
    private readonly most = NETWORKS_MAX,
  ) {}

  get size(): number {
    return this.recent.size + this.older.size;
  }

  take(network: string, now: number, weight: number): boolean {
    let bucket = this.recent.get(network);
    if (bucket === undefined) {
      bucket = this.older.get(network) ?? new TokenBucket(this.perMinute / 60, this.perMinute, now);
      if (this.recent.size >= this.most / 2) {
        this.older = this.recent;
        this.recent = new Map();
      }
      this.older.delete(network);
      this.recent.set(network, bucket);
    }
    return bucket.take(now, weight);
  }
}
