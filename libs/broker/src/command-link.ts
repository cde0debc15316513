import { Redis } from 'ioredis';
import { BrokerUnavailable, DroppioError, within } from '@droppio/tips';
import type { LinkMetrics } from './metrics.js';
import type { RedisClient } from './redis-connections.js';

/** A blip (a failover, a restart) is waited out this long before a command fails. */
const GRACE_MS = 250;
/** At the start of a process the first connection is still being made. */
const FIRST_GRACE_MS = 1000;
/** With so many answers missing in a row the socket is taken for dead, though nobody has closed it. */
const SILENT_AFTER = 3;

/** One connection for commands: every failure is a `BrokerUnavailable`, every command is timed. */
export class CommandLink {
  private unanswered = 0;
  private coming: Promise<void> | undefined;
  private wasReady = false;

  constructor(
    readonly redis: RedisClient,
    private readonly metrics: LinkMetrics,
  ) {}

  async run<T>(command: string, work: (redis: RedisClient) => Promise<T>): Promise<T> {
    const stop = this.metrics.time(command);
    try {
      if (this.redis.status !== 'ready') await this.ready(this.wasReady ? GRACE_MS : FIRST_GRACE_MS);
      const answer = await work(this.redis);
      this.unanswered = 0;
      this.wasReady = true;
      stop('ok');
      return answer;
    } catch (error) {
      stop('error');
      this.noteSilence(error);
      if (error instanceof BrokerUnavailable) throw error;
      throw new BrokerUnavailable('Redis refused or was not reached.', { cause: error, context: { command } });
    }
  }

  /** Resolves when connected; rejects after `ms`. */
  async ready(ms: number): Promise<void> {
    if (this.redis.status === 'ready') return;
    this.coming ??= new Promise<void>((resolve) => {
      this.redis.once('ready', () => {
        this.coming = undefined;
        resolve();
      });
    });
    await within(ms, 'connecting to Redis', this.coming);
  }

  private noteSilence(error: unknown): void {
    if (error instanceof DroppioError || !(error instanceof Error) || error.message !== 'Command timed out') return;
    this.unanswered += 1;
    // Only a connection that stands can be dropped: to do it to one that is being made would end it for good.
    if (this.unanswered < SILENT_AFTER || !(this.redis instanceof Redis) || this.redis.status !== 'ready') return;
    this.unanswered = 0;
    this.redis.disconnect(true);
  }
}
