import { BrokerUnavailable, Presence, PRESENCE_TTL_MS, type PresenceTotals } from '@droppio/tips';
import { CommandLink } from './command-link.js';
import type { LinkMetrics } from './metrics.js';
import type { RedisClient, RedisConnections } from './redis-connections.js';
import { LuaScript } from './scripts.js';

/** Fields written by one command: more would hold up everybody else's. */
const CHUNK = 500;
const TOTAL = 'total';
/** Sources are looked up again after this share of the time to live; meanwhile one that just came is not counted. */
const SOURCES_SHARE = 0.1;

export interface RedisPresenceOptions {
  /** Before all keys. */
  readonly prefix?: string;
  readonly ttlMs?: number;
}

/**
 * KEYS index. ARGV source, milliseconds after which one that was not heard of is forgotten. By the clock of Redis, since those of
 * gateways differ.
 */
const ENTER = new LuaScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
`);

/**
 * Per source one hash (creator → sockets, and the total) that expires a while after its last word, and an index of sources. A word carries
 * only what has changed; where the hash then is not what it must be (expired, evicted, flushed), the next word carries all of it.
 */
export class RedisPresence extends Presence {
  private readonly connections: RedisConnections;
  private readonly prefix: string;
  private readonly ttlMs: number;
  /** What the hash of each source holds, as far as this process knows. */
  private readonly told = new Map<string, ReadonlyMap<string, number>>();
  private opened: CommandLink | undefined;
  private known: { readonly sources: Promise<readonly string[]>; readonly atMs: number } | undefined;
  private closed = false;

  constructor(
    connections: RedisConnections,
    private readonly metrics: LinkMetrics,
    { prefix = 'droppio:presence', ttlMs = PRESENCE_TTL_MS }: RedisPresenceOptions = {},
  ) {
    super();
    this.connections = connections.sibling();
    this.prefix = prefix;
    this.ttlMs = ttlMs;
  }

  override async tell(source: string, sockets: ReadonlyMap<string, number>): Promise<void> {
    const before = this.told.get(source);
    // Should anything fail, nobody knows how much of it was written.
    this.told.delete(source);
    if (sockets.size === 0) {
      await this.link.run('presence-leave', (redis) => this.leave(redis, source));
      return;
    }
    const isWhole = await this.link.run('presence-tell', async (redis) => {
      await this.write(redis, source, before, sockets);
      await ENTER.run(redis, [this.prefix], [source, 2 * this.ttlMs]);
      return (await redis.hlen(this.keyOf(source))) === sockets.size + 1;
    });
    if (isWhole) this.told.set(source, new Map(sockets));
    else if (before !== undefined) await this.tell(source, sockets);
  }

  override async counts(creatorIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (creatorIds.length === 0) return new Map();
    const perSource = await this.perSource('presence-counts', (redis, key) => redis.hmget(key, ...creatorIds));
    const counts = creatorIds.map((id, i): [string, number] => [id, perSource.reduce((sum, found) => sum + countIn(found[i]), 0)]);
    return new Map(counts.filter(([, count]) => count > 0));
  }

  override async totals(): Promise<PresenceTotals> {
    const totals = await this.perSource('presence-totals', (redis, key) => redis.hget(key, TOTAL));
    const present = totals.map(countIn).filter((count) => count > 0);
    return { sources: present.length, sockets: present.reduce((sum, count) => sum + count, 0) };
  }

  override close(): Promise<void> {
    this.closed = true;
    this.connections.close();
    return Promise.resolve();
  }

  /** Connects at the first use: most processes never ask. */
  private get link(): CommandLink {
    if (this.closed) throw new BrokerUnavailable('The presence is closed.');
    return (this.opened ??= new CommandLink(this.connections.connect('commands'), this.metrics));
  }

  private keyOf(source: string): string {
    return `${this.prefix}:{${source}}`;
  }

  private async leave(redis: RedisClient, source: string): Promise<void> {
    await redis.del(this.keyOf(source));
    await redis.zrem(this.prefix, source);
  }

  private async write(
    redis: RedisClient,
    source: string,
    before: ReadonlyMap<string, number> | undefined,
    now: ReadonlyMap<string, number>,
  ): Promise<void> {
    const key = this.keyOf(source);
    const total = [...now.values()].reduce((sum, count) => sum + count, 0);
    const changed = [...now].filter(([id, count]) => before?.get(id) !== count);
    const gone = before === undefined ? [] : [...before.keys()].filter((id) => !now.has(id));
    if (before === undefined) await redis.del(key);
    for (const part of chunks([...changed, [TOTAL, total] as const])) await redis.hset(key, ...part.flat());
    for (const part of chunks(gone)) await redis.hdel(key, ...part);
    await redis.pexpire(key, this.ttlMs);
  }

  private async perSource<T>(command: string, ask: (redis: RedisClient, key: string) => Promise<T>): Promise<readonly T[]> {
    const sources = await this.sources();
    return this.link.run(command, (redis) => Promise.all(sources.map((source) => ask(redis, this.keyOf(source)))));
  }

  private sources(): Promise<readonly string[]> {
    if (this.known === undefined || Date.now() - this.known.atMs >= this.ttlMs * SOURCES_SHARE) {
      const sources = this.link.run('presence-sources', (redis) => redis.zrange(this.prefix, 0, -1));
      this.known = { sources, atMs: Date.now() };
      sources.catch(() => (this.known = undefined));
    }
    return this.known.sources;
  }
}

/** Whatever is no number counts nothing: an estimate does not fail over it. */
function countIn(text: string | null | undefined): number {
  const count = Number(text ?? 0);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

function* chunks<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += CHUNK) yield all.slice(at, at + CHUNK);
}
