import { Clock } from '@droppio/tips';

/** How fast a step back is made up for: a tenth of every second. */
const PACE = 0.9;

/**
 * The machine's own clock and timers, in browsers and in Node. Never back: where the machine's clock is put back, deadlines would move away by
 * as much, and a dead link would go unnoticed for as long; this one goes on a little slower until both are equal again.
 */
export class WallClock extends Clock {
  private toldMs = -Infinity;
  private countedMs = 0;

  override now(): number {
    const [wall, counted] = [Date.now(), performance.now()];
    this.toldMs = Math.max(wall, this.toldMs + (counted - this.countedMs) * PACE);
    this.countedMs = counted;
    return Math.floor(this.toldMs);
  }

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}
