import { Injectable, Logger } from '@nestjs/common';
import { CloseCode } from '@droppio/protocol';
import { Health } from '@droppio/platform';
import { ChannelRegistry } from './channel-registry.js';
import { DeliverySettings } from './delivery-settings.js';
import { DrainMetrics } from './node-metrics.js';
import type { OverlaySession } from './overlay-session.js';
import { SessionRoster } from './session-roster.js';
import { UpgradeGate } from './upgrade-gate.js';

const MOVES_PER_SECOND = 500;
const WINDOW_MIN_MS = 5000;
const WINDOW_MAX_MS = 60_000;
const SLICE_MS = 100;
/** After its close frame a socket has this long to answer; it is `ws` that ends it then. */
const CLOSING_MS = 6000;
const LOOK_MS = 50;

/** What a drain shuts: the word to load balancers, and the way in. */
@Injectable()
export class DrainDoors {
  constructor(
    readonly health: Health,
    readonly gate: UpgradeGate,
  ) {}
}

/**
 * Hands all sockets over before the process ends. Make before break: each overlay is told when to connect elsewhere and keeps receiving
 * here until it has. Nobody sees a broken connection, and the others see a stream of newcomers instead of a herd.
 */
@Injectable()
export class Drain {
  private readonly log = new Logger('delivery');
  private running: Promise<void> | undefined;
  private startedAt = 0;

  constructor(
    private readonly settings: DeliverySettings,
    private readonly roster: SessionRoster,
    private readonly doors: DrainDoors,
    private readonly channels: ChannelRegistry,
    private readonly metrics: DrainMetrics,
  ) {}

  /** Runs once; later calls wait for the same end. */
  run(): Promise<void> {
    return (this.running ??= this.drain());
  }

  private async drain(): Promise<void> {
    const { drainDelayMs, drainGraceMs } = this.settings;
    this.startedAt = this.now();
    this.metrics.draining.set(1);
    this.doors.health.drain();
    if (this.roster.size > 0) await this.sleep(drainDelayMs);
    this.doors.gate.shut();
    const windowMs = this.windowMs();
    this.log.log('drain.started', { sockets: this.roster.size, windowMs });
    if (windowMs > 0) {
      this.tellToMove(windowMs, drainGraceMs);
      await this.untilEmpty(windowMs + drainGraceMs);
    }
    const stragglers = this.roster.size;
    this.metrics.stragglers.inc(stragglers);
    await this.closeStragglers();
    await this.untilEmpty(CLOSING_MS);
    await this.channels.close();
    const tookMs = this.now() - this.startedAt;
    this.metrics.seconds.set(tookMs / 1000);
    this.log.log('drain.finished', { stragglers, left: this.roster.size, tookMs });
  }

  private windowMs(): number {
    const bySize = Math.min(WINDOW_MAX_MS, Math.max(WINDOW_MIN_MS, (this.roster.size / MOVES_PER_SECOND) * 1000));
    return this.roster.size === 0 ? 0 : (this.settings.drainWindowMs ?? bySize);
  }

  private tellToMove(windowMs: number, graceMs: number): void {
    const sessions = [...this.roster.all()];
    const spreadMs = spreadFor(sessions.filter(({ isLive }) => !isLive).length);
    for (const session of sessions) {
      if (session.isLive) session.move({ op: 'move', afterMs: Math.round(Math.random() * windowMs), graceMs, why: 'drain' });
      else session.close(CloseCode.drain, 'drain', Math.round(Math.random() * spreadMs));
    }
  }

  /** In slices, told to come back at different times: a client that does not know `move` is no reason for a herd. */
  private async closeStragglers(): Promise<void> {
    const sessions: OverlaySession[] = [...this.roster.all()];
    const slices = Math.max(1, Math.min(Math.ceil(sessions.length / ((MOVES_PER_SECOND * SLICE_MS) / 1000)), WINDOW_MIN_MS / SLICE_MS));
    const perSlice = Math.ceil(sessions.length / slices);
    const spreadMs = spreadFor(sessions.length);
    for (let at = 0; at < sessions.length; at += perSlice) {
      for (const session of sessions.slice(at, at + perSlice)) {
        session.close(CloseCode.drain, 'drain', Math.round(Math.random() * spreadMs));
      }
      if (at + perSlice < sessions.length) await this.sleep(SLICE_MS);
    }
  }

  private async untilEmpty(ms: number): Promise<void> {
    const until = this.now() + ms;
    while (this.roster.size > 0 && this.now() < until) {
      await this.sleep(LOOK_MS);
      this.metrics.seconds.set((this.now() - this.startedAt) / 1000);
    }
  }

  private now(): number {
    return this.roster.clock.now();
  }

  private sleep(ms: number): Promise<void> {
    return this.roster.clock.sleep(ms);
  }
}

/** Who has no link has no alerts: so many as come back are told to wait no longer than their number takes. */
function spreadFor(sockets: number): number {
  return Math.max(1000, (sockets / MOVES_PER_SECOND) * 1000);
}
