import { Injectable, Logger } from '@nestjs/common';
import { CloseCode } from '@droppio/protocol';
import { Health } from '@droppio/platform';
import { ChannelRegistry } from './channel-registry.js';
import { DeliverySettings } from './delivery-settings.js';
import { DrainWatch } from './drain-watch.js';
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
    const watch = new DrainWatch(this.roster, this.metrics);
    this.metrics.draining.set(1);
    this.doors.health.drain();
    if (this.roster.size > 0) await this.sleep(drainDelayMs);
    this.doors.gate.shut();
    const windowMs = this.windowMs();
    this.log.log('drain.started', { sockets: this.roster.size, windowMs });
    watch.start(windowMs + (windowMs > 0 ? drainGraceMs : 0) + WINDOW_MIN_MS + CLOSING_MS);
    if (windowMs > 0) {
      this.tellToMove(windowMs, drainGraceMs, watch);
      await this.untilEmpty(windowMs + drainGraceMs);
    }
    const stragglers = this.roster.size;
    this.metrics.stragglers.inc(stragglers);
    await this.closeStragglers();
    await this.untilEmpty(CLOSING_MS);
    await this.channels.close();
    watch.stop();
    this.log.log('drain.finished', { stragglers, left: this.roster.size, tookMs: watch.tookMs });
  }

  private windowMs(): number {
    const bySize = Math.min(WINDOW_MAX_MS, Math.max(WINDOW_MIN_MS, (this.roster.size / MOVES_PER_SECOND) * 1000));
    return this.roster.size === 0 ? 0 : (this.settings.drainWindowMs ?? bySize);
  }

  private tellToMove(windowMs: number, graceMs: number, watch: DrainWatch<OverlaySession>): void {
    const sessions = [...this.roster.all()];
    const spreadMs = spreadFor(sessions.filter(({ isLive }) => !isLive).length);
    for (const session of sessions) {
      const afterMs = Math.round(Math.random() * windowMs);
      watch.expect(session, afterMs, graceMs);
      if (session.isLive) session.move({ op: 'move', afterMs, graceMs, why: 'drain' });
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
    while (this.roster.size > 0 && this.now() < until) await this.sleep(LOOK_MS);
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
