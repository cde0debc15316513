import type { Redis } from 'ioredis';

/** How a connection subscribes: to channels of the whole Redis, or to those of its shard. */
export interface SubscribeCommands {
  readonly event: 'message' | 'smessage';
  /** Resolves once confirmed; with the channels that this node refuses because they are not its own. */
  subscribe(redis: Redis, names: readonly string[]): Promise<readonly string[]>;
  unsubscribe(redis: Redis, names: readonly string[]): Promise<void>;
}

export const plainChannels: SubscribeCommands = {
  event: 'message',
  async subscribe(redis, names) {
    await redis.subscribe(...names);
    return [];
  },
  async unsubscribe(redis, names) {
    await redis.unsubscribe(...names);
  },
};

/** One command per channel: those of one command would have to share a hash slot. They travel together all the same. */
export const shardChannels: SubscribeCommands = {
  event: 'smessage',
  async subscribe(redis, names) {
    const answers = await Promise.allSettled(names.map((name) => redis.ssubscribe(name)));
    const refused: string[] = [];
    for (const [i, answer] of answers.entries()) {
      if (answer.status === 'fulfilled') continue;
      if (!(answer.reason instanceof Error) || !/^(MOVED|CLUSTERDOWN|ASK|TRYAGAIN) ?/.test(answer.reason.message)) throw answer.reason;
      refused.push(names[i] ?? '');
    }
    return refused;
  },
  async unsubscribe(redis, names) {
    // A channel whose slot has moved away is unsubscribed already, and Redis refuses to do it again.
    await Promise.allSettled(names.map((name) => redis.sunsubscribe(name)));
  },
};
