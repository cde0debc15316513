/** Lets `perSecond` through on average and `burst` at once. Starts full; holds no timer. */
export class TokenBucket {
  private tokens: number;

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    private at: number,
  ) {
    this.tokens = burst;
  }

  take(now: number, weight = 1): boolean {
    this.fill(now);
    if (this.tokens < weight) return false;
    this.tokens -= weight;
    return true;
  }

  private fill(now: number): void {
    this.tokens = Math.min(this.burst, this.tokens + (Math.max(0, now - this.at) / 1000) * this.perSecond);
    this.at = now;
  }
}
