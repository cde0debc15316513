import type { FrameBatch } from './frame-batch.js';

/** Sockets written to in one turn of the event loop; the rest of a big room waits for the next. */
const SLICE = 1000;

export interface Receiver {
  deliver(batch: FrameBatch): void;
}

interface Job {
  readonly batch: FrameBatch;
  readonly receivers: readonly Receiver[];
  readonly done: (() => void) | undefined;
  next: number;
}

/** Writes batches to a channel's sockets in order, in slices, so that a room of thousands does not hold up pings and other rooms. */
export class FanOut {
  private readonly jobs: Job[] = [];
  private running = false;

  /** `done` is called when the last one has been written to. */
  send(batch: FrameBatch, receivers: readonly Receiver[], done?: () => void): void {
    this.jobs.push({ batch, receivers, done, next: 0 });
    if (!this.running) this.run();
  }

  private run(): void {
    this.running = true;
    let places = SLICE;
    for (let job = this.jobs[0]; job !== undefined && places > 0; job = this.jobs[0]) {
      const slice = job.receivers.slice(job.next, job.next + places);
      for (const receiver of slice) receiver.deliver(job.batch);
      job.next += slice.length;
      places -= Math.max(1, slice.length);
      if (job.next < job.receivers.length) continue;
      this.jobs.shift();
      job.done?.();
    }
    if (this.jobs.length === 0) this.running = false;
    else
      setImmediate(() => {
        this.run();
      });
  }
}
