import { BUCKETS_A_MS } from '../fanout/crowd-orders.js';
import { exactNow, TIP_MESSAGE, type Tick } from './orders.js';

/** Durations as counts of tenths of milliseconds. */
export class Durations {
  private counts = new Map<number, number>();

  add(ms: number): void {
    const bucket = Math.max(0, Math.floor(ms * BUCKETS_A_MS));
    this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + 1);
  }

  take(): [number, number][] {
    const all = [...this.counts];
    this.counts = new Map();
    return all;
  }
}

/** What the overlays of one process went through since it was last asked. */
export class Ledger {
  readonly connects = new Durations();
  readonly reconnects = new Durations();
  readonly latencies = new Durations();
  open = 0;
  connected = 0;
  failed = 0;
  deliveries = 0;
  private closes: Record<string, number> = {};

  closed(code: number): void {
    this.closes[code] = (this.closes[code] ?? 0) + 1;
  }

  take(): Tick {
    const { open, connected, failed, deliveries, closes } = this;
    this.connected = this.failed = this.deliveries = 0;
    this.closes = {};
    const [connects, reconnects, latencies] = [this.connects.take(), this.reconnects.take(), this.latencies.take()];
    return { op: 'tick', open, connected, failed, deliveries, closes, connects, reconnects, latencies };
  }
}

/** What one overlay was told, tip by tip. */
export class Told {
  private readonly numbers = new Set<number>();
  doubled = 0;
  leaked = 0;
  holes = 0;
  /** What was due before this overlay was is history to it: told, and no delivery that anybody waited for. Unix milliseconds. */
  since = 0;
  private lastSeq: number | undefined;

  constructor(
    readonly room: number,
    private readonly ledger: Ledger,
  ) {}

  get delivered(): number {
    return this.numbers.size;
  }

  /** `from`: the first seq that this one stands for. */
  sequence(seq: number, from = seq): void {
    if (this.lastSeq !== undefined) {
      if (seq <= this.lastSeq) this.doubled += 1;
      if (from > this.lastSeq + 1) this.holes += 1;
    }
    this.lastSeq = Math.max(seq, this.lastSeq ?? 0);
  }

  tip(message: string): void {
    const [, due, room, number] = TIP_MESSAGE.exec(message) ?? [];
    if (due === undefined) return;
    if (Number(room) !== this.room) this.leaked += 1;
    else if (this.numbers.has(Number(number))) this.doubled += 1;
    else this.deliver(Number(number), Number(due) / 1000);
  }

  /** What comes a second time is no delivery. */
  private deliver(number: number, dueMs: number): void {
    this.numbers.add(number);
    this.ledger.deliveries += 1;
    if (dueMs >= this.since) this.ledger.latencies.add(exactNow() - dueMs);
  }

  missing(told: number): number {
    return Math.max(0, told - this.numbers.size);
  }
}
