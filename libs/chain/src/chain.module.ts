import { Module, type DynamicModule } from '@nestjs/common';
import { Health } from '@droppio/platform';
import { ChainFollowers, FollowerRooms, type ChainOptions } from './chain-followers.js';
import type { ChainSettings } from './chain-settings.js';
import { metricProviders } from './metrics.js';

/** Follows the given chains. Needs `TipLedger`, `LeaderLock`, `EventRelay`, `Clock` and `Health` from global modules. */
@Module({})
export class ChainModule {
  static for(chains: readonly ChainSettings[], options: ChainOptions = {}): DynamicModule {
    return {
      module: ChainModule,
      providers: [
        ...metricProviders,
        FollowerRooms,
        {
          provide: ChainFollowers,
          inject: [FollowerRooms, Health],
          useFactory: (rooms: FollowerRooms, health: Health) => new ChainFollowers(chains, rooms, health, options),
        },
      ],
    };
  }
}
