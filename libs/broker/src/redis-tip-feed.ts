import {
  BrokerUnavailable,
  TipFeed,
  within,
  type AppendOutcome,
  type CreatorEvent,
  type FeedPage,
  type FeedPosition,
  type FeedSignal,
  type FeedSnapshot,
  type FeedSubscription,
  type OverlayGrant,
} from '@droppio/tips';
import type { ChannelListener } from './channel-subscriber.js';
import type { CommandLink } from './command-link.js';
import {
  AfterReply,
  AppendReply,
  CreatorEventSchema,
  FeedSignalSchema,
  GrantReply,
  MetaReply,
  OverlayGrantSchema,
  parseJson,
  RestoreReply,
} from './feed-schemas.js';
import type { FeedMetrics } from './metrics.js';
import { readLoads, type RedisLoad } from './redis-load.js';
import { AFTER, APPEND, GRANT, RESTORE } from './scripts.js';

export const FEED_KEEPS_EVENTS = 256;
const IDLE_SECONDS = 7 * 24 * 3600;
const PING_TIMEOUT_MS = 2000;

export type WireSignal = Exclude<FeedSignal, { kind: 'reconnected' }>;

/** Who hears the channels: one connection, or one per node of a cluster. */
export interface SignalSource {
  subscribe(channel: string, listener: ChannelListener<WireSignal>): Promise<() => void>;
  /** `undefined` when the channels are heard, else a sentence. */
  fault(): string | undefined;
  close(): void;
}

export interface RedisTipFeedParts {
  readonly link: CommandLink;
  readonly signals: SignalSource;
  readonly metrics: FeedMetrics;
  /** SPUBLISH keeps a signal on the shard of its creator. */
  readonly publish: 'PUBLISH' | 'SPUBLISH';
  /** Ends the connections. */
  readonly close: () => void;
}

/**
 * Per creator a stream, two hashes and a channel in Redis (see `scripts.ts`). One round trip per call. What comes back broken is counted
 * and answered as "missing", so that a restore from the ledger mends it.
 */
export class RedisTipFeed extends TipFeed {
  constructor(private readonly parts: RedisTipFeedParts) {
    super();
  }

  override async append(creatorId: string, epoch: string, event: CreatorEvent): Promise<AppendOutcome> {
    const { feed, meta, overlays, channel } = keysOf(creatorId);
    const [overlayId, grant] = event.type === 'config' ? [event.d.overlayId, JSON.stringify(event.d)] : ['', ''];
    const args = [epoch, event.seq, JSON.stringify(event), overlayId, grant, this.parts.publish, channel, FEED_KEEPS_EVENTS, IDLE_SECONDS];
    const reply = await this.parts.link.run('append', (redis) => APPEND.run(redis, [feed, meta, overlays], args));
    const [kind, head] = AppendReply.parse(reply);
    this.parts.metrics.appended(kind);
    return kind === 'duplicate' || kind === 'gap' ? { kind, head } : { kind };
  }

  override async position(creatorId: string): Promise<FeedPosition | undefined> {
    const reply = await this.parts.link.run('position', (redis) => redis.hmget(keysOf(creatorId).meta, 'epoch', 'head'));
    if (reply[0] === null) return undefined;
    const parsed = MetaReply.safeParse(reply);
    if (!parsed.success) return void this.unreadable('meta');
    const [epoch, seq] = parsed.data;
    return { epoch, seq };
  }

  override async after(creatorId: string, seq: number, limit: number): Promise<FeedPage | undefined> {
    const { feed, meta } = keysOf(creatorId);
    const reply = await this.parts.link.run('after', (redis) => AFTER.run(redis, [feed, meta], [seq, limit]));
    if (reply === null) return undefined;
    const parsed = AfterReply.safeParse(reply);
    if (!parsed.success) return void this.unreadable('meta');
    const [epoch, head, tail, oldestId, entries] = parsed.data;
    const position = { epoch, seq: head };
    if (seq >= head) return { position, events: [], complete: true };
    // An empty stream that should not be empty: its key was evicted.
    if (oldestId === '' && tail > 0) return void this.unreadable('entry');
    if (oldestId === '' || Number.parseInt(oldestId, 10) > seq + 1) return { position, events: [], complete: false };
    const events = entries.map(([, fields]) => parseJson(CreatorEventSchema, fields[1] ?? ''));
    const whole = events.filter((event, i): event is CreatorEvent => event?.seq === seq + 1 + i);
    if (whole.length < events.length) return void this.unreadable('entry');
    return { position, events: whole, complete: true };
  }

  override async grant(creatorId: string, overlayId: string): Promise<OverlayGrant | 'unknown' | undefined> {
    const { meta, overlays } = keysOf(creatorId);
    const reply = await this.parts.link.run('grant', (redis) => GRANT.run(redis, [meta, overlays], [overlayId]));
    const [kind, json] = GrantReply.parse(reply);
    if (kind === 'unknown') return 'unknown';
    if (json === '') return undefined;
    return parseJson(OverlayGrantSchema, json) ?? this.unreadable('grant');
  }

  override restore(creatorId: string, snapshot: FeedSnapshot): Promise<void> {
    return this.rewrite(creatorId, snapshot, false);
  }

  override end(creatorId: string, position: FeedPosition): Promise<void> {
    return this.rewrite(creatorId, { position, events: [], grants: [] }, true);
  }

  override async subscribe(creatorId: string, listener: (signal: FeedSignal) => void): Promise<FeedSubscription> {
    const leave = await this.parts.signals.subscribe(keysOf(creatorId).channel, (signal) => {
      listener(signal ?? { kind: 'reconnected' });
    });
    return {
      close() {
        leave();
        return Promise.resolve();
      },
    };
  }

  override async ping(): Promise<void> {
    try {
      await within(
        PING_TIMEOUT_MS,
        'ping',
        this.parts.link.run('ping', (redis) => redis.ping()),
      );
    } catch (error) {
      throw error instanceof BrokerUnavailable ? error : new BrokerUnavailable('Redis does not answer.', { cause: error });
    }
  }

  /** Resolves once connected for the first time; rejects after `ms`, and goes on trying. */
  started(ms: number): Promise<void> {
    return this.parts.link.ready(ms);
  }

  /** What the nodes of this Redis have in use, and may. Throws `BrokerUnavailable`. */
  loads(): Promise<readonly RedisLoad[]> {
    return this.parts.link.run('info', readLoads);
  }

  /** For readiness: `undefined` when commands are answered and channels are heard right now. */
  async fault(): Promise<string | undefined> {
    await this.ping();
    return this.parts.signals.fault();
  }

  override close(): Promise<void> {
    this.parts.signals.close();
    this.parts.close();
    return Promise.resolve();
  }

  private async rewrite(creatorId: string, { position, events, grants }: FeedSnapshot, isEnd: boolean): Promise<void> {
    const { feed, meta, overlays, channel } = keysOf(creatorId);
    const signal: WireSignal = { kind: 'restored', position };
    const args = [
      ...[
        position.epoch,
        position.seq,
        this.parts.publish,
        channel,
        JSON.stringify(signal),
        IDLE_SECONDS,
        isEnd ? '1' : '0',
        events.length,
      ],
      ...events.flatMap((event) => [event.seq, JSON.stringify(event)]),
      ...grants.flatMap((grant) => [grant.overlayId, JSON.stringify(grant)]),
    ];
    const reply = await this.parts.link.run('restore', (redis) => RESTORE.run(redis, [feed, meta, overlays], args));
    this.parts.metrics.restored(RestoreReply.parse(reply));
  }

  /** Counts a broken value; what it was is then unknown, like a missing one. */
  private unreadable(what: 'entry' | 'grant' | 'meta'): 'unknown' {
    this.parts.metrics.corrupted(what);
    return 'unknown';
  }
}

/** Reads a signal off the wire; a broken one is counted, and its listeners look for themselves. */
export function signalReader(metrics: FeedMetrics): (text: string) => WireSignal | undefined {
  return (text) => {
    const signal = parseJson(FeedSignalSchema, text);
    if (signal === undefined) metrics.corrupted('signal');
    return signal;
  };
}

interface CreatorKeys {
  readonly feed: string;
  readonly meta: string;
  readonly overlays: string;
  readonly channel: string;
}

/** The braces put all of a creator's keys into one hash slot. */
export function keysOf(creatorId: string): CreatorKeys {
  const channel = `creator:{${creatorId}}`;
  return { channel, feed: `${channel}:feed`, meta: `${channel}:meta`, overlays: `${channel}:overlays` };
}
