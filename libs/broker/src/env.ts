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

/** For the single process, which has its own broker in memory. */
export const optionalBrokerEnv = { REDIS_URL: redisUrl.optional() };
