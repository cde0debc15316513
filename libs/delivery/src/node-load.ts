import { Injectable } from '@nestjs/common';
import { FlushPacer, type LoopLag } from './flush-pacer.js';
import { LoadMetrics } from './node-metrics.js';
import { MemoryReading } from './node-pressure.js';

export interface LoadReading {
  /** Share of one core. */
  readonly cpuRatio: number;
  readonly memory: NodeJS.MemoryUsage;
  readonly memoryPercent: number;
  readonly lagMs: LoopLag;
}

/** What this process takes of its machine, as of the last look. */
@Injectable()
export class NodeLoad {
  private last: LoadReading | undefined;
  private cpu = process.cpuUsage();
  private atMs = performance.now();

  constructor(
    private readonly pacer: FlushPacer,
    private readonly reading: MemoryReading,
    private readonly metrics: LoadMetrics,
  ) {}

  /** As of the last look. */
  get latest(): LoadReading {
    return this.last ?? this.look();
  }

  /** Since the look before; sets the gauges. */
  look(): LoadReading {
    const used = process.cpuUsage(this.cpu);
    const now = performance.now();
    const cpuRatio = (used.user + used.system) / 1000 / Math.max(1, now - this.atMs);
    this.cpu = process.cpuUsage();
    this.atMs = now;
    const reading = { cpuRatio, memory: process.memoryUsage(), memoryPercent: this.reading.percent(), lagMs: this.pacer.takeLag() };
    this.tell(reading);
    return (this.last = reading);
  }

  private tell({ cpuRatio, memory, memoryPercent, lagMs }: LoadReading): void {
    this.metrics.cpu.set(cpuRatio);
    this.metrics.memoryRatio.set(memoryPercent / 100);
    const { rss, heapUsed, heapTotal, external } = memory;
    for (const [kind, bytes] of Object.entries({ rss, heap_used: heapUsed, heap_total: heapTotal, external })) {
      this.metrics.memory.set({ kind }, bytes);
    }
    for (const [percentile, ms] of Object.entries({ 50: lagMs.p50, 99: lagMs.p99, 100: lagMs.max })) {
      this.metrics.lag.set({ percentile }, ms / 1000);
    }
  }
}
