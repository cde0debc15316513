import { MemoryBrokerModule, MemoryQueuesModule, MemoryRateCounter, RedisBrokerModule } from '@droppio/broker';
import { StartupFault, type AppPlan } from '@droppio/platform';
import type { TokenKey } from '@droppio/protocol/overlay-token';
import { PostgresFeedModule, storageOptions, type ClaimPlan } from '@droppio/storage';
import type { StandaloneSettings } from './env.js';

export type Broker =
  | { readonly kind: 'memory' }
  | { readonly kind: 'postgres'; readonly listenUrl: string }
  | { readonly kind: 'redis'; readonly url: string };

type BrokerSettings = Pick<
  StandaloneSettings,
  'BROKER' | 'REDIS_URL' | 'DATABASE_URL' | 'DATABASE_LISTEN_URL' | 'DATABASE_POOLER' | 'CHAINS'
>;

/** By what is asked for, else by what is there. Throws `StartupFault` with a sentence where the settings contradict each other. */
export function brokerOf({ BROKER, REDIS_URL, ...database }: BrokerSettings): Broker {
  if (REDIS_URL !== undefined && BROKER !== undefined && BROKER !== 'redis')
    throw new StartupFault(`REDIS_URL is set, and BROKER=${BROKER} would not use it. Remove one of them.`);
  if (REDIS_URL !== undefined) return { kind: 'redis', url: REDIS_URL };
  if (BROKER === 'redis') throw new StartupFault('BROKER=redis needs REDIS_URL.');
  if (BROKER === 'memory') return { kind: 'memory' };
  if (database.DATABASE_URL !== undefined) return postgresBroker(database.DATABASE_URL, database);
  if (BROKER === 'postgres')
    throw new StartupFault('BROKER=postgres needs DATABASE_URL: the embedded database serves one process, and that needs no broker.');
  return { kind: 'memory' };
}

function postgresBroker(url: string, { DATABASE_LISTEN_URL, DATABASE_POOLER }: Omit<BrokerSettings, 'BROKER' | 'REDIS_URL'>): Broker {
  if (DATABASE_LISTEN_URL === undefined && DATABASE_POOLER === 'transaction') {
    throw new StartupFault(
      'Events are carried by Postgres (BROKER=postgres), and a pooler in transaction mode lets nobody LISTEN. Set DATABASE_LISTEN_URL to a direct connection, or REDIS_URL.',
    );
  }
  return { kind: 'postgres', listenUrl: DATABASE_LISTEN_URL ?? url };
}

export function brokerRooms(broker: Broker, databaseUrl: string, env: StandaloneSettings): AppPlan['rooms'] {
  switch (broker.kind) {
    case 'memory':
      return [MemoryBrokerModule];
    case 'redis':
      return [RedisBrokerModule.for({ url: broker.url })];
    case 'postgres':
      return [
        PostgresFeedModule.for({
          storage: storageOptions(databaseUrl, env),
          poolSize: env.DATABASE_FEED_POOL_SIZE,
          listenUrl: broker.listenUrl,
          ratesAlone: () => new MemoryRateCounter(),
        }),
        MemoryQueuesModule,
      ];
  }
}

/** How this process says to others on its database that it is there; `undefined` where there can be no others, or nothing can be said. */
export function claimPlan(broker: Broker, env: BrokerSettings, tokenKeys: readonly TokenKey[]): ClaimPlan | undefined {
  const { DATABASE_URL, DATABASE_LISTEN_URL, DATABASE_POOLER } = env;
  const url = DATABASE_LISTEN_URL ?? (DATABASE_POOLER === 'none' ? DATABASE_URL : undefined);
  if (DATABASE_URL === undefined || url === undefined) return undefined;
  if (env.CHAINS === undefined)
    return { url, kind: 'alone', why: 'without CHAINS each starts a local chain of its own. Set CHAINS for all of them.', tokenKeys };
  if (broker.kind === 'memory')
    return { url, kind: 'alone', why: 'BROKER=memory carries events within one process. Remove it from all of them.', tokenKeys };
  return { url, kind: broker.kind, tokenKeys };
}
