import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Turns } from './fan-out.js';

const RESOLUTION_MS = 20;
const LOOK_MS = 500;
/** Loop delays above this mean that there is more to write than time. */
const LAG_MS = 50;
const DELAY_MS = 50;

/** How late the event loop was, milliseconds. */
export interface LoopLag {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
const NO_LAG: LoopLag = { p50: 0, p99: 0, max: 0 };

/**
 * Decides when what has gathered is written. Normally at the end of the turn in which it came: a burst is one write per socket, and nothing
 * waits. When the event loop lags, everything waits a moment more, so that each write carries more and fewer are made.
 */
@Injectable()
export class FlushPacer implements OnApplicationBootstrap, OnApplicationShutdown {
  /** Of the event loop, for all that is written. */
  readonly turns = new Turns();
  private histogram: IntervalHistogram | undefined;
  private look: NodeJS.Timeout | undefined;
  private delayed: (() => void)[] = [];
  private lagging = false;
  private worst: LoopLag = NO_LAG;

  onApplicationBootstrap(): void {
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    this.histogram = histogram;
    this.look = setInterval(() => {
      // The histogram counts its own interval too.
      const lagMs = (percentile: number): number => Math.max(0, histogram.percentile(percentile) / 1e6 - RESOLUTION_MS);
      const lag = { p50: lagMs(50), p99: lagMs(99), max: lagMs(100) };
      histogram.reset();
      this.pace(lag.p50);
      if (lag.max >= this.worst.max) this.worst = lag;
    }, LOOK_MS).unref();
  }

  onApplicationShutdown(): void {
    this.histogram?.disable();
    clearInterval(this.look);
    this.flush();
  }

  /** Of the half second with the longest delay since the last call. */
  takeLag(): LoopLag {
    const lag = this.worst;
    this.worst = NO_LAG;
    return lag;
  }

  pace(lagMs: number): void {
    this.lagging = lagMs > LAG_MS;
  }

  soon(flush: () => void): void {
    if (!this.lagging) queueMicrotask(flush);
    else if (this.delayed.push(flush) === 1) {
      setTimeout(() => {
        this.flush();
      }, DELAY_MS);
    }
  }

  private flush(): void {
    const due = this.delayed;
    this.delayed = [];
    for (const flush of due) flush();
  }
}
