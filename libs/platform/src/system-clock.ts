import { Clock } from '@droppio/tips';

/** How fast a step back is made up for: a tenth of every second. */
const PACE = 0.9;

/**
 * The machine's time, and never back: durations, deadlines and pauses are counted with it. Where the machine's clock is put back, this one goes
 * on a little slower until both are equal again; where it is put forward, this one follows at once, as after a sleep of the machine.
 */
export class SystemClock extends Clock {
  private toldMs = -Infinity;
  private countedMs = 0;

  override now(): number {
    const [wall, counted] = [Date.now(), performance.now()];
    this.toldMs = Math.max(wall, this.toldMs + (counted - this.countedMs) * PACE);
    this.countedMs = counted;
    // Whole milliseconds, as the machine's clock tells them.
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
