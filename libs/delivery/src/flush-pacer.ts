import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';

const RESOLUTION_MS = 20;
const LOOK_MS = 500;
/** Loop delays above this mean that there is more to write than time. */
const LAG_MS = 50;
const DELAY_MS = 50;

/**
 * Decides when what has gathered is written. Normally at the end of the turn in which it came: a burst is one write per socket, and nothing
 * waits. When the event loop lags, everything waits a moment more, so that each write carries more and fewer are made.
 */
@Injectable()
export class FlushPacer implements OnApplicationBootstrap, OnApplicationShutdown {
  private histogram: IntervalHistogram | undefined;
  private look: NodeJS.Timeout | undefined;
  private delayed: (() => void)[] = [];
  private lagging = false;

  onApplicationBootstrap(): void {
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    this.histogram = histogram;
    this.look = setInterval(() => {
      // The histogram counts its own interval too.
      this.pace(histogram.percentile(50) / 1e6 - RESOLUTION_MS);
      histogram.reset();
    }, LOOK_MS).unref();
  }

  onApplicationShutdown(): void {
    this.histogram?.disable();
    clearInterval(this.look);
    this.flush();
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
