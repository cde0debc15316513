import { randomBytes } from 'node:crypto';
import { MemoryRelayQueue, unregisteredMetrics as brokerMetrics } from '@droppio/broker';
import { NO_TRACES } from '@droppio/platform';
import { OverlayTokens } from '@droppio/protocol/overlay-token';
import type { ServerFrame } from '@droppio/protocol';
import { ManualClock } from '@droppio/tips/testing';
import { ChannelRegistry } from '../channel-registry.js';
import type { DeliverySettings } from '../delivery-settings.js';
import { FeedAccess } from '../feed-access.js';
import { FlushPacer } from '../flush-pacer.js';
import type { FrameBatch } from '../frame-batch.js';
import { ChannelMetrics, SessionMetrics } from '../metrics.js';
import type { OverlayLink, TransportName } from '../overlay-link.js';
import { OverlaySession } from '../overlay-session.js';
import { Reception } from '../reception.js';
import { RefusalLog } from '../refusal-log.js';
import { SessionHost } from '../session-host.js';
import { SessionRoster } from '../session-roster.js';
import { TipTraces } from '../tip-traces.js';
import { TimingWheel } from '../timing-wheel.js';
import { someSettings, type SettingTexts } from './gateway-house.js';
import { ShakyFeed } from './shaky-feed.js';
import { Truth } from './truth.js';
import { unregisteredMetrics } from './unregistered-metrics.js';

/** A link that takes everything, or owes what the test says. */
export class RecordingLink implements OverlayLink {
  queuedBytes = 0;
  transport: TransportName = 'websocket';
  readonly frames: ServerFrame[] = [];
  writes = 0;
  ending: { code: number; reason: string } | undefined;

  write(batch: FrameBatch): void {
    this.writes += 1;
    this.frames.push(...batch.frames);
  }

  close(code: number, reason: string): void {
    this.ending = { code, reason };
  }
}

const TICK_MS = 250;

/** Everything behind the sockets, without sockets and without time: `pass` turns the wheel. */
export class Desk {
  readonly clock = new ManualClock();
  readonly feed = new ShakyFeed();
  readonly truth = new Truth(this.feed);
  readonly metrics = unregisteredMetrics();
  readonly pacer = new FlushPacer();
  readonly settings: DeliverySettings;
  readonly tokens: OverlayTokens;
  readonly roster: SessionRoster;
  readonly channels: ChannelRegistry;
  readonly host: SessionHost;
  /** Its own timer is slowed to a standstill: only `pass` turns it. */
  private readonly wheel = new TimingWheel(TICK_MS);

  constructor(texts: SettingTexts = {}) {
    this.settings = someSettings({ OVERLAY_TOKEN_KEYS: `1:${randomBytes(32).toString('hex')}`, ...texts });
    this.tokens = new OverlayTokens(this.settings.tokenKeys);
    this.wheel.stop();
    const access = new FeedAccess(this.feed, new MemoryRelayQueue(brokerMetrics().queue), this.clock, this.metrics.redis);
    this.roster = new SessionRoster(this.settings, this.clock);
    this.channels = new ChannelRegistry(
      this.settings,
      access,
      this.wheel,
      this.pacer,
      new ChannelMetrics(this.metrics.feed, this.metrics.fanOut, this.metrics.losses, new TipTraces(NO_TRACES)),
    );
    const reception = new Reception(this.tokens, this.roster, this.channels, new RefusalLog(this.clock));
    this.host = new SessionHost(
      this.settings,
      this.wheel,
      this.roster,
      reception,
      new SessionMetrics(this.metrics.socket, this.metrics.traffic, this.metrics.fanOut, this.metrics.losses),
    );
  }

  arrive(network = '192.0.2.1', isPreview = false): { session: OverlaySession; link: RecordingLink } {
    const link = new RecordingLink();
    const session = new OverlaySession(link, network, this.host, isPreview);
    this.roster.enter(session);
    return { session, link };
  }

  /** Admitted and live. */
  async seat(token: string, { isPreview = false } = {}): Promise<{ session: OverlaySession; link: RecordingLink }> {
    const arrived = this.arrive(undefined, isPreview);
    arrived.session.open({ token });
    while (!arrived.session.isLive) {
      if (!arrived.session.isOpen) throw new Error(`not admitted: ${arrived.link.ending?.reason ?? ''}`);
      await new Promise(setImmediate);
    }
    return arrived;
  }

  async token(): Promise<string> {
    const { overlayId, version } = await this.truth.overlay();
    return this.tokens.sign({ overlayId, version, creatorId: this.truth.creatorId });
  }

  /** Lets time pass, tick by tick, with every answer to a ping that a client would give unless it is `silent`. */
  async pass(ms: number, answering: readonly OverlaySession[] = []): Promise<void> {
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      this.clock.advance(TICK_MS);
      this.wheel.tick();
      if (passed % 10_000 === 0) for (const session of answering) session.receive('{"op":"pong"}');
      if (passed % 5000 === 0) await new Promise(setImmediate);
    }
    await new Promise(setImmediate);
  }
}
