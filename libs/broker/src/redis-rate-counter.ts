import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { BrokerUnavailable, RateCounter, within, type RateWindow } from '@droppio/tips';
import { CommandLink } from './command-link.js';
import { MemoryRateCounter } from './memory-rate-counter.js';
import type { LinkMetrics, RateMetrics } from './metrics.js';
import type { RedisConnections } from './redis-connections.js';
import { LuaScript } from './scripts.js';

/** A request waits no longer for being counted. The first one of a process also waits for the connection. */
const WAIT_MS = 150;
const FIRST_WAIT_MS = 1000;
const REST_MS = 1000;

export interface RedisRateOptions {
  /** Before all keys. */
  readonly prefix?: string;
  /** After a failure Redis is left alone for so long: not every request shall wait for it. */
  readonly restMs?: number;
}

/** KEYS counter. ARGV length of the window in ms. Answers {hits, ms left}. A counter without an end is given one: it would refuse for ever. */
const HIT = new LuaScript(`
local hits = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {hits, left}
`);

/** One key per window in Redis, which forgets it when the window ends. While Redis is away this process counts for itself. */
export class RedisRateCounter extends RateCounter {
  private readonly log = new Logger('broker');
  private readonly local = new MemoryRateCounter();
  private readonly connections: RedisConnections;
  private readonly prefix: string;
  private readonly restMs: number;
  private opened: CommandLink | undefined;
  private wasReached = false;
  private restUntil = 0;
  private closed = false;

  constructor(
    connections: RedisConnections,
    private readonly metrics: { readonly link: LinkMetrics; readonly rates: RateMetrics },
    { prefix = 'droppio:rate', restMs = REST_MS }: RedisRateOptions = {},
  ) {
    super();
    this.connections = connections.sibling();
    this.prefix = prefix;
    this.restMs = restMs;
  }

  override async hit(key: string, windowMs: number): Promise<RateWindow> {
    if (performance.now() >= this.restUntil) {
      try {
        const window = await within(this.wasReached ? WAIT_MS : FIRST_WAIT_MS, 'counting in Redis', this.shared(key, windowMs));
        this.wasReached = true;
        return window;
      } catch (error) {
        this.restUntil = performance.now() + this.restMs;
        if (!this.closed) this.log.warn('rates.local', errorFields(error));
      }
    }
    this.metrics.rates.countedAlone();
    return this.local.hit(key, windowMs);
  }

  override async close(): Promise<void> {
    this.closed = true;
    this.connections.close();
    await this.local.close();
  }

  private async shared(key: string, windowMs: number): Promise<RateWindow> {
    const answer = await this.link.run('rate-hit', (redis) => HIT.run(redis, [`${this.prefix}:${key}`], [Math.ceil(windowMs)]));
    const [hits, resetMs] = Array.isArray(answer) ? answer.map(Number) : [];
    if (hits === undefined || resetMs === undefined) throw new BrokerUnavailable('Redis answered a count with something else.');
    return { hits, resetMs };
  }

  /** Connects at the first use: most processes never count. */
  private get link(): CommandLink {
    if (this.closed) throw new BrokerUnavailable('The counter is closed.');
    return (this.opened ??= new CommandLink(this.connections.connect('commands'), this.metrics.link));
  }
}
