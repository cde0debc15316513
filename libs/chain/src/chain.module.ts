import { Module, type DynamicModule } from '@nestjs/common';
import { Health } from '@droppio/platform';
import { Clock, WalletRegister } from '@droppio/tips';
import { ChainFollowers, FollowerRooms, type ChainOptions } from './chain-followers.js';
import type { ChainSettings } from './chain-settings.js';
import { metricProviders } from './metrics.js';
import { WatchList } from './watch-list.js';
import { WatchMetrics } from './watch-metrics.js';

/** Follows the given chains. Needs `TipLedger`, `WalletRegister`, `LeaderLock`, `EventRelay`, `Clock` and `Health` from global modules. */
@Module({})
export class ChainModule {
  static for(chains: readonly ChainSettings[], options: ChainOptions = {}): DynamicModule {
    return {
      module: ChainModule,
      providers: [
        ...metricProviders,
        FollowerRooms,
        {
          provide: WatchList,
          inject: [WalletRegister, Clock, WatchMetrics],
          useFactory: (register: WalletRegister, clock: Clock, metrics: WatchMetrics) => new WatchList(register, clock, metrics),
        },
        {
          provide: ChainFollowers,
          inject: [WatchList, FollowerRooms, Health],
          useFactory: (watch: WatchList, rooms: FollowerRooms, health: Health) => new ChainFollowers(chains, watch, rooms, health, options),
        },
      ],
    };
  }
}
