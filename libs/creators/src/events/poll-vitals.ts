import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields, Instance } from '@droppio/platform';
import { Clock, OverlayVitals, PRESENCE_TTL_MS, VITALS_BATCH, within } from '@droppio/tips';

const EVERY_MS = 5000;
const GOODBYE_MS = 1000;
/** Longer than a page lets pass between two polls. */
const GONE_MS = 15_000;
/** Beyond these nobody new is noted: an estimate may miss some. */
const OVERLAYS_MAX = 20_000;

interface Poll {
  waiting: number;
  /** At once, since it was last told. */
  most: number;
  atMs: number;
}

/** Tells the fleet which overlays are asked for by polls at this process, as gateways tell of their sockets. */
@Injectable()
export class PollVitals implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('creators');
  private readonly stop = new AbortController();
  private readonly polls = new Map<string, Poll>();
  private readonly source: string;
  private beating = Promise.resolve();
  private hasTold = false;
  private isFailing = false;

  constructor(
    private readonly vitals: OverlayVitals,
    private readonly clock: Clock,
    instance: Instance,
  ) {
    this.source = `${instance.id}/polls/${randomUUID().slice(0, 8)}`;
  }

  onApplicationBootstrap(): void {
    this.beating = this.beat();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    const goodbye = this.beating.then(async () => {
      this.polls.clear();
      await this.tell();
    });
    await within(GOODBYE_MS, 'the last word on polls', goodbye).catch(() => undefined);
  }

  /** A page asks; what it gets back is called when it has its answer. */
  begin(overlayId: string): () => void {
    const poll = this.polls.get(overlayId) ?? { waiting: 0, most: 0, atMs: 0 };
    if (poll.atMs === 0 && this.polls.size >= OVERLAYS_MAX) return () => undefined;
    this.polls.set(overlayId, poll);
    poll.waiting += 1;
    poll.most = Math.max(poll.most, poll.waiting);
    poll.atMs = this.clock.now();
    return () => {
      poll.waiting -= 1;
      poll.atMs = this.clock.now();
    };
  }

  /** What is going on now, in place of what was told before. Never rejects: the next word says it all the same. */
  async tell(): Promise<void> {
    const now = this.clock.now();
    const held = new Map<string, number>();
    const seen = new Map<string, { readonly seenAtMs: number; readonly latenciesMs: readonly number[] }>();
    for (const [overlayId, poll] of this.polls) {
      if (seen.size < VITALS_BATCH) seen.set(overlayId, { seenAtMs: poll.waiting > 0 ? now : poll.atMs, latenciesMs: [] });
      if (poll.waiting === 0 && now - poll.atMs > GONE_MS) this.polls.delete(overlayId);
      else held.set(overlayId, Math.max(1, poll.most));
      poll.most = poll.waiting;
    }
    try {
      if (held.size > 0 || this.hasTold) await this.vitals.hold(this.source, held);
      if (seen.size > 0) await this.vitals.note(seen);
      this.hasTold = held.size > 0;
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.logger.warn('vitals.not-told', errorFields(error));
      this.isFailing = true;
    }
  }

  private async beat(): Promise<void> {
    const { signal } = this.stop;
    // Several words may be lost before what is held fades.
    const everyMs = Math.min(EVERY_MS, PRESENCE_TTL_MS / 6);
    for (;;) {
      await this.clock.sleep(everyMs * (0.9 + Math.random() * 0.2), signal);
      if (signal.aborted) return;
      await this.tell();
    }
  }
}
