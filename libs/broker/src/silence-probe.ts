import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { PROBE } from './channel-subscriber.js';

export interface ProbeTiming {
  /** Silence after which a sign of life is asked for. */
  readonly silenceMs: number;
  /** How long each of the two probes may take. */
  readonly answerMs: number;
}

/** What is probed: a `ChannelSubscriber`. */
export interface Probed {
  subscribe(channel: string, listener: () => void): Promise<unknown>;
  readonly connected: boolean;
  readonly lastHeardMs: number;
  rebuild(): void;
}

const TIMING: ProbeTiming = { silenceMs: 10_000, answerMs: 2000 };
const MISSES = 2;

/**
 * A failover can leave a subscription that looks healthy and hears nothing: its node was demoted, or its socket died without a word. So
 * after some silence something is published to a channel of our own; two probes unheard, and the connection is made anew.
 */
export class SilenceProbe {
  private readonly log = new Logger('broker');
  private timer: ReturnType<typeof setTimeout> | undefined;
  private misses = 0;
  private stopped = false;
  private readonly channel: string;

  constructor(
    private readonly subscriber: Probed,
    private readonly publish: (channel: string, message: string) => Promise<unknown>,
    private readonly timing: ProbeTiming = TIMING,
    /** In braces in the channel's name, so that in a cluster it belongs to the node that is probed. */
    slotTag = randomUUID(),
  ) {
    this.channel = `droppio:probe:${randomUUID()}:{${slotTag}}`;
    void this.join();
    this.schedule(timing.silenceMs);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Without its own channel nothing can be proven, so this is tried until it works. */
  private async join(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.subscriber.subscribe(this.channel, () => undefined);
        return;
      } catch (error) {
        this.log.debug('probe.not-subscribed', errorFields(error));
      }
    }
  }

  private schedule(ms: number): void {
    if (this.stopped) return;
    // Spread, so that a fleet does not probe in step.
    this.timer = setTimeout(() => void this.look(), ms * (0.9 + Math.random() * 0.2));
    this.timer.unref();
  }

  private async look(): Promise<void> {
    const silentMs = Date.now() - this.subscriber.lastHeardMs;
    const limit = this.misses > 0 ? this.timing.answerMs : this.timing.silenceMs;
    if (!this.subscriber.connected || silentMs < limit * 0.8) {
      this.misses = 0;
      this.schedule(Math.max(this.timing.silenceMs - silentMs, this.timing.answerMs));
      return;
    }
    if (this.misses >= MISSES) {
      this.log.warn('subscription.deaf', { silentMs });
      this.misses = 0;
      this.subscriber.rebuild();
      this.schedule(this.timing.silenceMs);
      return;
    }
    // A probe that could not be sent proves nothing about who would have heard it.
    if (await this.sent()) this.misses += 1;
    this.schedule(this.timing.answerMs);
  }

  private async sent(): Promise<boolean> {
    try {
      await this.publish(this.channel, PROBE);
      return true;
    } catch (error) {
      this.log.debug('probe.not-sent', errorFields(error));
      return false;
    }
  }
}
