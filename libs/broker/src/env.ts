import * as z from 'zod';
import { parseRedisUrl } from './redis-url.js';

const redisUrl = z
  .string()
  .superRefine((url, context) => {
    try {
      parseRedisUrl(url);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not a Redis URL' });
    }
  })
  .meta({
    description:
      'Redis: redis://[user:password@]host[:port][/db], rediss:// for TLS, redis+sentinel://host,host/name, or redis+cluster://host,host.',
  });

/** For apps that are nothing without Redis. */
export const brokerEnv = { REDIS_URL: redisUrl };

/** For processes that only read the feed. */
export const feedReplicaEnv = {
  REDIS_READ_URL: redisUrl.optional().meta({
    description: 'A replica of REDIS_URL nearby: events are read and heard there. What gateways tell the others still goes to REDIS_URL.',
  }),
};

/** For the process that has all rooms, and a broker of its own in memory where it is alone. */
export const optionalBrokerEnv = {
  REDIS_URL: redisUrl.optional(),
  BROKER: z.enum(['memory', 'postgres', 'redis']).optional().meta({
    description:
      'What carries events between processes. Default: redis where REDIS_URL is set, postgres where DATABASE_URL is, else memory, which serves one process.',
  }),
};
