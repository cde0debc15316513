import { RedisBrokerModule } from '@droppio/broker';
import { ChainModule } from '@droppio/chain';
import type { AppPlan } from '@droppio/platform';
import { RelayModule } from '@droppio/relay';
import { StorageModule, storageOptions } from '@droppio/storage';
import type { ListenerSettings } from './env.js';

/** Follows chains and relays what is committed. No public port; a second one stands by (one leader a chain, by lease). */
export function listenerApp(env: ListenerSettings): AppPlan {
  return {
    service: 'listener',
    settings: env,
    rooms: [
      StorageModule.for(storageOptions(env.DATABASE_URL, env)),
      RedisBrokerModule.for({ url: env.REDIS_URL }),
      RelayModule.for({ work: true }),
      ChainModule.for(env.CHAINS, { worksBackfills: env.BACKFILL_WORK }),
    ],
  };
}
