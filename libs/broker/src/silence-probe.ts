import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
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
  subscribe(channel: string, listener: () => void): Promise<() => void>;
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
  /** When the probe was sent whose answer is awaited. */
  private askedAt: number | undefined;
  private stopped = false;
  private leave: (() => void) | undefined;
  constructor(
    private readonly subscriber: Probed,
    private readonly publish: (channel: string, message: string) => Promise<unknown>,
    /** Nobody else's; in a cluster, in a slot of the node that is probed. */
    private readonly channel = `droppio:probe:{${randomUUID()}}`,
    private readonly timing: ProbeTiming = TIMING,
  ) {
    void this.join();
    this.schedule(timing.silenceMs);
  }

  stop(): void {
    this.stopped = true;
    this.leave?.();
    clearTimeout(this.timer);
  }

  /** Without its own channel nothing can be proven, so this is tried until it works. */
  private async join(): Promise<void> {
    while (!this.stopped) {
      try {
        const leave = await this.subscriber.subscribe(this.channel, () => undefined);
        this.joined(leave);
        return;
      } catch (error) {
        this.log.debug('probe.not-subscribed', errorFields(error));
        await sleep(this.timing.answerMs, undefined, { ref: false });
      }
    }
  }

  private joined(leave: () => void): void {
    if (this.stopped) leave();
    else this.leave = leave;
  }

  private schedule(ms: number): void {
    if (this.stopped) return;
    // Spread, so that a fleet does not probe in step.
    this.timer = setTimeout(() => void this.look(), ms * (0.9 + Math.random() * 0.2));
    this.timer.unref();
  }

  private async look(): Promise<void> {
    const { connected, lastHeardMs } = this.subscriber;
    if (!connected || (this.askedAt !== undefined && lastHeardMs >= this.askedAt)) this.forget();
    const silentMs = Date.now() - lastHeardMs;
    if (this.askedAt !== undefined) this.misses += 1;
    if (this.misses >= MISSES) {
      this.log.warn('subscription.deaf', { silentMs });
      this.forget();
      this.subscriber.rebuild();
      this.schedule(this.timing.silenceMs);
    } else if (this.misses > 0 || (connected && silentMs >= this.timing.silenceMs)) {
      await this.ask();
      this.schedule(this.timing.answerMs);
    } else {
      this.schedule(connected ? this.timing.silenceMs - silentMs : this.timing.silenceMs);
    }
  }

  private forget(): void {
    this.misses = 0;
    this.askedAt = undefined;
  }

  private async ask(): Promise<void> {
    const askedAt = Date.now();
    try {
      await this.publish(this.channel, PROBE);
      this.askedAt = askedAt;
    } catch (error) {
      // A probe that could not be sent proves nothing about who would have heard it.
      this.forget();
      this.log.debug('probe.not-sent', errorFields(error));
    }
  }
}
