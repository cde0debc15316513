import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { FrameBatch } from './frame-batch.js';

/** Sockets written to in one turn of the event loop, over all channels; the rest waits for the next. */
const TURN = 1000;
/** Of those, at a stretch in one channel: small rooms come in between the parts of a big one. */
const STRETCH = 250;

export interface Receiver {
  deliver(batch: FrameBatch): void;
}

/** Shares the turns of the event loop out among channels, so that neither one of thousands nor thousands of them hold up the rest. */
export class Turns {
  /** In the order in which they come to their next stretch. */
  private readonly waiting = new Set<FanOut>();
  private places = TURN;
  private isRenewing = false;

  /** Goes on at once where this turn has room for it. */
  enter(fanOut: FanOut): void {
    this.waiting.add(fanOut);
    this.run();
  }

  private run(): void {
    for (const fanOut of this.waiting) {
      if (this.places <= 0) break;
      // Taken out and put back at the end: a set is walked through in the order of arrival, also of those that arrive meanwhile.
      this.waiting.delete(fanOut);
      this.places -= fanOut.work(Math.min(STRETCH, this.places));
      if (fanOut.hasMore) this.waiting.add(fanOut);
    }
    if (this.isRenewing) return;
    this.isRenewing = true;
    setImmediate(() => {
      this.isRenewing = false;
      this.places = TURN;
      if (this.waiting.size > 0) this.run();
    });
  }
}

interface Job {
  readonly batch: FrameBatch;
  readonly receivers: readonly Receiver[];
  readonly done: (() => void) | undefined;
  next: number;
}

/** Writes batches to a channel's sockets in order. */
export class FanOut {
  private readonly log = new Logger('delivery');
  private readonly jobs: Job[] = [];

  constructor(private readonly turns: Turns) {}

  get hasMore(): boolean {
    return this.jobs.length > 0;
  }

  /** `done` is called when the last one has been written to. */
  send(batch: FrameBatch, receivers: readonly Receiver[], done?: () => void): void {
    this.jobs.push({ batch, receivers, done, next: 0 });
    if (this.jobs.length === 1) this.turns.enter(this);
  }

  /** Writes to so many at most, and says how many places that took. */
  work(places: number): number {
    let left = places;
    for (let job = this.jobs[0]; job !== undefined && left > 0; job = this.jobs[0]) {
      const slice = job.receivers.slice(job.next, job.next + left);
      for (const receiver of slice) this.deliver(receiver, job.batch);
      job.next += slice.length;
      left -= Math.max(1, slice.length);
      if (job.next < job.receivers.length) continue;
      this.jobs.shift();
      job.done?.();
    }
    return places - left;
  }

  /** One that throws may not cost the others their events, nor the channel its turns. */
  private deliver(receiver: Receiver, batch: FrameBatch): void {
    try {
      receiver.deliver(batch);
    } catch (error) {
      this.log.error('delivery.failed', errorFields(error));
    }
  }
}
