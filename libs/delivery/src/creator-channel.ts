import { addressee, catchUpMs, CloseCode, frameFor, type ReadyFrame, type ServerFrame } from '@droppio/protocol';
import type { CreatorEvent, FeedPosition, OverlayGrant } from '@droppio/tips';
import { FanOut } from './fan-out.js';
import type { FeedAccess } from './feed-access.js';
import type { FlushPacer } from './flush-pacer.js';
import { FeedFollower, type FollowerListener } from './feed-follower.js';
import { FrameBatch } from './frame-batch.js';
import { GrantBook } from './grant-book.js';
import type { ChannelMetrics } from './metrics.js';
import type { OverlaySession } from './overlay-session.js';
import { replayFrames, suppressedIn, type Replay } from './replay.js';
import { resume, type Resumption } from './resumption.js';

/** One creator with at least one socket here: follows the feed once and writes each event, encoded once, to all of the creator's sockets. */
export class CreatorChannel implements FollowerListener {
  readonly follower: FeedFollower;
  readonly grants: GrantBook;
  private readonly fanOut: FanOut;
  private readonly rooms = new Map<string, Set<OverlaySession>>();
  private outbox: CreatorEvent[] = [];
  private ping: { readonly head: number; readonly degraded: boolean; readonly batch: FrameBatch } | undefined;

  constructor(
    readonly creatorId: string,
    private readonly feed: FeedAccess,
    restoreTimeoutMs: number,
    private readonly pacer: FlushPacer,
    private readonly metrics: ChannelMetrics,
  ) {
    this.follower = new FeedFollower(creatorId, feed, restoreTimeoutMs, metrics.feed, this);
    this.fanOut = new FanOut(pacer.turns);
    this.grants = new GrantBook(creatorId, feed, this.follower);
  }

  get size(): number {
    let size = 0;
    for (const room of this.rooms.values()) size += room.size;
    return size;
  }

  /** Admits a session whose grant is known, at its cursor. It is part of the live channel when this resolves. */
  join(session: OverlaySession, overlayId: string, cursor: FeedPosition | undefined): Promise<void> {
    return resume(this.follower, cursor, (found) => {
      const grant = this.grants.known(overlayId);
      // What is on its way to the others is part of what this one has just been given.
      this.flush();
      if (!session.isOpen || grant === undefined || !session.heed(grant)) return;
      const replay = { overlayId, now: this.feed.clock.now(), catchUpMs: catchUpMs({ ...grant.config }) };
      session.start(this.welcome(found, replay, grant));
      const room = this.rooms.get(overlayId) ?? new Set();
      this.rooms.set(overlayId, room.add(session));
      this.metrics.feed.resumes.inc({ source: found.source, recovered: String(found.recovered) });
      this.metrics.feed.resumedEvents.observe(found.events.length);
      const { stale, retracted } = suppressedIn(found.events, replay);
      this.metrics.losses.suppressed.inc({ reason: 'stale' }, stale);
      this.metrics.losses.suppressed.inc({ reason: 'retracted' }, retracted);
    });
  }

  /** An overlay says that an alert is on the screen. */
  shown(seq: number): void {
    if (this.metrics.traces.isOn) this.metrics.traces.shown(this.creatorId, seq);
  }

  leave(session: OverlaySession, overlayId: string): void {
    const room = this.rooms.get(overlayId);
    if (room?.delete(session) === true && room.size === 0) this.rooms.delete(overlayId);
  }

  /** One ping for all sockets of the channel, made anew when it has something new to say. */
  pingBatch(): FrameBatch {
    const head = this.follower.position.seq;
    const degraded = this.follower.isBlind;
    if (this.ping?.head !== head || this.ping.degraded !== degraded) {
      const frame: ServerFrame = { op: 'ping', head, ...(degraded ? { degraded } : {}) };
      this.ping = { head, degraded, batch: new FrameBatch([frame]) };
    }
    return this.ping.batch;
  }

  events(events: readonly CreatorEvent[]): void {
    for (const event of events) if (event.type === 'config') this.changed(this.grants.learn(event.d));
    // Whatever comes within one turn (a burst, a healed hole) goes out with one write per socket.
    if (this.outbox.length === 0) {
      this.pacer.soon(() => {
        this.flush();
      });
    }
    this.outbox.push(...events);
  }

  gap(from: number, to: number): void {
    this.flush();
    this.metrics.losses.failed.inc({ reason: 'lost' }, (to - from + 1) * this.size);
    this.fanOut.send(new FrameBatch([{ op: 'gap', from, to }], this.follower.position.epoch), this.everybody());
    this.interrupted();
  }

  renumbered(): void {
    this.outbox = [];
    this.grants.forget();
    for (const session of this.everybody()) session.close(CloseCode.resync, 'renumbered', spreadMs());
  }

  interrupted(): void {
    void this.grants.refresh((overlayId, grant) => {
      if (grant !== undefined) this.changed(grant);
      else for (const session of this.rooms.get(overlayId) ?? []) session.close(CloseCode.badToken, 'overlay removed');
    });
  }

  private changed(grant: OverlayGrant): void {
    for (const session of this.rooms.get(grant.overlayId) ?? []) session.heed(grant);
  }

  private welcome({ from, recovered, gap, events }: Resumption, replay: Replay, { config }: OverlayGrant): FrameBatch {
    const { epoch, seq: head } = this.follower.position;
    const ready: ReadyFrame = { op: 'ready', epoch, head, from, recovered, config: { ...config }, now: replay.now };
    const replayed = replayFrames(events, replay);
    return new FrameBatch([ready, ...(gap === undefined ? [] : [{ op: 'gap' as const, ...gap }]), ...replayed], epoch);
  }

  private flush(): void {
    const events = this.outbox;
    if (events.length === 0) return;
    this.outbox = [];
    const startedAt = performance.now();
    const span = this.metrics.traces.isOn ? this.metrics.traces.fanOut(this.creatorId, events, this.size) : undefined;
    const done = (): void => {
      span?.end();
      this.measure(events, startedAt);
    };
    if (events.every((event) => addressee(event) === undefined)) {
      this.fanOut.send(this.batchOf(events, undefined), this.everybody(), done);
      return;
    }
    for (const [overlayId, room] of this.rooms) this.fanOut.send(this.batchOf(events, overlayId), [...room]);
    this.fanOut.send(new FrameBatch([]), [], done);
  }

  private batchOf(events: readonly CreatorEvent[], overlayId: string | undefined): FrameBatch {
    const frames = events.map((event) => frameFor(event, overlayId));
    return new FrameBatch(frames, this.follower.position.epoch);
  }

  private everybody(): readonly OverlaySession[] {
    return [...this.rooms.values()].flatMap((room) => [...room]);
  }

  private measure(events: readonly CreatorEvent[], startedAt: number): void {
    const now = this.feed.clock.now();
    this.metrics.fanOut.fanOut.observe((performance.now() - startedAt) / 1000);
    for (const event of events) {
      if (event.type !== 'tip') continue;
      const { block, seen, pub } = event.at;
      const chain = String(event.d.amount.chainId);
      for (const [stage, at] of Object.entries({ block, seen, pub })) {
        if (at !== undefined) this.metrics.fanOut.latency.observe({ stage, chain }, seconds(now - at));
      }
    }
  }
}

/** Clocks of two machines differ by a little, sometimes to the wrong side. */
function seconds(ms: number): number {
  return Math.max(0, ms) / 1000;
}

function spreadMs(): number {
  return Math.round(Math.random() * 5000);
}
