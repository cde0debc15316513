import { Cluster } from 'ioredis';
import * as z from 'zod';
import type { RedisClient } from './redis-connections.js';

/** What a Redis has in use, and may; 0: no limit, or it does not say. */
export interface RedisLoad {
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly clients: number;
  readonly clientsLimit: number;
}

const figure = z.coerce.number().nonnegative().catch(0);
const Info = z.object({ used_memory: figure, maxmemory: figure, connected_clients: figure, maxclients: figure });

/** Of each node that is known. */
export async function readLoads(redis: RedisClient): Promise<readonly RedisLoad[]> {
  const nodes = redis instanceof Cluster ? redis.nodes('all') : [redis];
  return (await Promise.all(nodes.map((node) => node.info()))).map(parseLoad);
}

/** From the text of INFO. */
export function parseLoad(text: string): RedisLoad {
  const fields = Object.fromEntries([...text.matchAll(/^(\w+):([^\r\n]*)/gm)].map(([, name = '', value = '']) => [name, value]));
  const info = Info.parse(fields);
  return {
    memoryBytes: info.used_memory,
    memoryLimitBytes: info.maxmemory,
    clients: info.connected_clients,
    clientsLimit: info.maxclients,
  };
}

/** The one that is nearest to one of its limits; without limits the biggest. */
export function fullest(loads: readonly RedisLoad[]): RedisLoad | undefined {
  const share = (used: number, limit: number): number => (limit > 0 ? used / limit : 0);
  const worst = (load: RedisLoad): number =>
    Math.max(share(load.memoryBytes, load.memoryLimitBytes), share(load.clients, load.clientsLimit));
  return [...loads].sort((a, b) => worst(b) - worst(a) || b.memoryBytes - a.memoryBytes)[0];
}
