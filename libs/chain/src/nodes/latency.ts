const SAMPLES = 100;
const MIN_SAMPLES = 10;

/** The newest answer times of an endpoint. */
export class Latency {
  private readonly samples: number[] = [];
  private next = 0;

  add(ms: number): void {
    this.samples[this.next] = ms;
    this.next = (this.next + 1) % SAMPLES;
  }

  /** `undefined` until there is enough to judge by. */
  quantile(q: number): number | undefined {
    if (this.samples.length < MIN_SAMPLES) return undefined;
    const sorted = [...this.samples].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  }

  get median(): number {
    return this.quantile(0.5) ?? 0;
  }
}
