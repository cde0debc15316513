import {
  BrokerUnavailable,
  OverlayVitals,
  PRESENCE_TTL_MS,
  VITALS_KEPT_MS,
  VITALS_LATENCIES,
  type OverlayMoments,
  type OverlayPulse,
} from '@droppio/tips';
import { CommandLink } from './command-link.js';
import type { LinkMetrics } from './metrics.js';
import type { RedisConnections } from './redis-connections.js';
import { RedisPresence } from './redis-presence.js';
import { LuaScript } from './scripts.js';

export interface RedisOverlayVitalsOptions {
  /** Before all keys. */
  readonly prefix?: string;
  /** Of what is held. */
  readonly ttlMs?: number;
}

/**
 * KEYS moments (hash: seen, shown), latencies (list, newest first), both of one overlay and so in one slot. ARGV seen or '', shown or '',
 * milliseconds to keep, how many latencies to keep, then latencies, oldest first.
 */
const NOTE = new LuaScript(`
for field, at in pairs({seen = ARGV[1], shown = ARGV[2]}) do
  if at ~= '' and (tonumber(redis.call('HGET', KEYS[1], field)) or 0) < tonumber(at) then redis.call('HSET', KEYS[1], field, at) end
end
for i = 5, #ARGV do redis.call('LPUSH', KEYS[2], ARGV[i]) end
redis.call('LTRIM', KEYS[2], 0, ARGV[4] - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
`);

/** Who is connected goes the way of presence, one hash per gateway; what was seen is a hash and a list per overlay. */
export class RedisOverlayVitals extends OverlayVitals {
  private readonly connections: RedisConnections;
  private readonly presence: RedisPresence;
  private readonly prefix: string;
  private opened: CommandLink | undefined;
  private closed = false;

  constructor(
    connections: RedisConnections,
    private readonly metrics: LinkMetrics,
    { prefix = 'droppio:vitals', ttlMs = PRESENCE_TTL_MS }: RedisOverlayVitalsOptions = {},
  ) {
    super();
    this.connections = connections.sibling();
    this.presence = new RedisPresence(connections, metrics, { prefix: `${prefix}:held`, ttlMs });
    this.prefix = prefix;
  }

  override hold(source: string, sockets: ReadonlyMap<string, number>): Promise<void> {
    return this.presence.tell(source, sockets);
  }

  override async note(moments: ReadonlyMap<string, OverlayMoments>): Promise<void> {
    if (moments.size === 0) return;
    await this.link.run('vitals-note', (redis) =>
      Promise.all(
        [...moments].map(([overlayId, { seenAtMs = '', shownAtMs = '', latenciesMs }]) =>
          NOTE.run(redis, this.keysOf(overlayId), [
            seenAtMs,
            shownAtMs,
            VITALS_KEPT_MS,
            VITALS_LATENCIES,
            ...latenciesMs.slice(-VITALS_LATENCIES),
          ]),
        ),
      ),
    );
  }

  override async of(overlayId: string): Promise<OverlayPulse> {
    const [moments, latencies] = this.keysOf(overlayId);
    const [counts, [times, newestFirst]] = await Promise.all([
      this.presence.counts([overlayId]),
      this.link.run('vitals-of', (redis) =>
        Promise.all([redis.hmget(moments, 'seen', 'shown'), redis.lrange(latencies, 0, VITALS_LATENCIES - 1)]),
      ),
    ]);
    const [seenAtMs, shownAtMs] = times.map(momentIn);
    return {
      instances: counts.get(overlayId) ?? 0,
      ...(seenAtMs !== undefined && { seenAtMs }),
      ...(shownAtMs !== undefined && { shownAtMs }),
      latenciesMs: newestFirst.flatMap((text) => momentIn(text) ?? []).reverse(),
    };
  }

  override async close(): Promise<void> {
    this.closed = true;
    this.connections.close();
    await this.presence.close();
  }

  /** Connects at the first use. */
  private get link(): CommandLink {
    if (this.closed) throw new BrokerUnavailable('The vitals are closed.');
    return (this.opened ??= new CommandLink(this.connections.connect('commands'), this.metrics));
  }

  private keysOf(overlayId: string): [moments: string, latencies: string] {
    const key = `${this.prefix}:{${overlayId}}`;
    return [key, `${key}:ms`];
  }
}

/** The last moment that a date can be. */
const LATEST_MS = 8.64e15;

/** Whatever is no number is nothing: an estimate does not fail over it. */
function momentIn(text: string | null): number | undefined {
  const value = Number(text ?? Number.NaN);
  return Number.isSafeInteger(value) && value >= 0 && value <= LATEST_MS ? value : undefined;
}
