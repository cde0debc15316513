import type { Tick } from '../crowd/orders.js';
import { Latencies } from '../fanout/latencies.js';

type Bucket = readonly [number, number];

/** One second of a run. Latencies are milliseconds, NaN when nothing came. */
export interface Second {
  readonly at: number;
  readonly open: number;
  readonly connected: number;
  readonly reconnected: number;
  readonly deliveries: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly gateways: number;
  /** Cores that all gateways together use. */
  readonly cores: number;
  readonly residentMiB: number;
  /** Fullest gateway and whole fleet, per cent; only where somebody watches that. */
  readonly fleetPercent: number;
  readonly fullestPercent: number;
}

export interface Mark {
  readonly at: number;
  readonly text: string;
}

/** What the gateways' side adds to a second. */
export interface FleetView {
  readonly gateways: number;
  readonly cores: number;
  readonly residentMiB: number;
  readonly fleetPercent?: number;
  readonly fullestPercent?: number;
}

/** Everything that was measured, second by second and altogether. */
export class Timeline {
  readonly seconds: Second[] = [];
  readonly marks: Mark[] = [];
  readonly connects: Bucket[] = [];
  readonly reconnects: Bucket[] = [];
  private all: Bucket[] = [];
  readonly closes = new Map<number, number>();
  connected = 0;
  failed = 0;
  deliveries = 0;
  private readonly opens = new Map<number, number>();
  private current = emptySecond();
  private readonly began = performance.now();

  get elapsed(): number {
    return (performance.now() - this.began) / 1000;
  }

  get open(): number {
    return [...this.opens.values()].reduce((sum, open) => sum + open, 0);
  }

  /** Of all deliveries so far, or since `restart`. */
  get latencies(): Latencies {
    return new Latencies(this.all);
  }

  get distribution(): readonly Bucket[] {
    return this.all;
  }

  mark(text: string): void {
    this.marks.push({ at: this.elapsed, text });
  }

  /** From here on latencies are counted anew. */
  restart(): void {
    this.all = [];
  }

  readonly tick = (tick: Tick, process: number): void => {
    this.opens.set(process, tick.open);
    this.connected += tick.connected;
    this.failed += tick.failed;
    this.deliveries += tick.deliveries;
    this.connects.push(...tick.connects);
    this.reconnects.push(...tick.reconnects);
    this.all.push(...tick.latencies);
    for (const [code, count] of Object.entries(tick.closes)) this.closes.set(Number(code), (this.closes.get(Number(code)) ?? 0) + count);
    this.current.latencies.push(...tick.latencies);
    this.current.connected += tick.connected;
    this.current.reconnected += tick.reconnects.reduce((sum, [, count]) => sum + count, 0);
    this.current.deliveries += tick.deliveries;
    if (this.all.length > 50_000) this.all = merged(this.all);
  };

  /** Ends a second. */
  pass({ fleetPercent = Number.NaN, fullestPercent = Number.NaN, ...fleet }: FleetView): Second {
    const { latencies, connected, reconnected, deliveries } = this.current;
    this.current = emptySecond();
    const all = new Latencies(latencies);
    const [p50, p95, p99, max] = [50, 95, 99, 100].map((p) => all.percentile(p));
    const second = {
      at: this.elapsed,
      open: this.open,
      connected,
      reconnected,
      deliveries,
      p50: p50 ?? Number.NaN,
      p95: p95 ?? Number.NaN,
      p99: p99 ?? Number.NaN,
      max: max ?? Number.NaN,
      ...fleet,
      fleetPercent,
      fullestPercent,
    };
    this.seconds.push(second);
    return second;
  }

  /** Connections that ended although nobody on this side wanted that; with codes, only those. */
  closed(...codes: readonly number[]): number {
    return [...this.closes].reduce((sum, [code, count]) => (codes.length === 0 || codes.includes(code) ? sum + count : sum), 0);
  }
}

const emptySecond = (): { latencies: Bucket[]; connected: number; reconnected: number; deliveries: number } => ({
  latencies: [],
  connected: 0,
  reconnected: 0,
  deliveries: 0,
});

export function merged(buckets: readonly Bucket[]): Bucket[] {
  const counts = new Map<number, number>();
  for (const [bucket, count] of buckets) counts.set(bucket, (counts.get(bucket) ?? 0) + count);
  return [...counts].sort(([a], [b]) => a - b);
}
