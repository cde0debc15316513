import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { Health, Traces } from '@droppio/platform';
import { Clock, WalletRegister } from '@droppio/tips';
import { BackfillWork } from './backfill/backfill-work.js';
import { backfillMetricProviders } from './backfill/backfill-metrics.js';
import { BackfillRooms, Backfills } from './backfill/backfills.js';
import { ChainFollowers, FollowerRooms, type ChainOptions } from './chain-followers.js';
import { pricedTokens, type ChainSettings } from './chain-settings.js';
import { metricProviders } from './metrics.js';
import { ChainPrices } from './prices/chain-prices.js';
import { priceMetricProviders } from './prices/price-metrics.js';
import { WatchList } from './watch-list.js';
import { WatchMetrics } from './watch-metrics.js';

const watchListProvider: Provider = {
  provide: WatchList,
  inject: [WalletRegister, Clock, WatchMetrics],
  useFactory: (register: WalletRegister, clock: Clock, metrics: WatchMetrics) => new WatchList(register, clock, metrics),
};

const backfillProviders = (chains: readonly ChainSettings[]): readonly Provider[] => [
  ...backfillMetricProviders,
  BackfillRooms,
  { provide: Backfills, inject: [BackfillRooms], useFactory: (rooms: BackfillRooms) => new Backfills(chains, rooms) },
];

/** Follows the given chains. Needs `TipLedger`, `WalletRegister`, `LeaderLock`, `EventRelay`, `Clock` and `Health` from global modules, `BackfillQueue` where it works backfills, and `TipValues` where a chain has a source of prices. */
@Module({})
export class ChainModule {
  static for(chains: readonly ChainSettings[], options: ChainOptions = {}): DynamicModule {
    return {
      module: ChainModule,
      providers: [
        ...metricProviders,
        FollowerRooms,
        watchListProvider,
        ...(chains.some((chain) => pricedTokens(chain).size > 0) ? [...priceMetricProviders, ChainPrices] : []),
        ...(options.worksBackfills === true ? [...backfillProviders(chains), BackfillWork] : []),
        {
          provide: ChainFollowers,
          inject: [WatchList, FollowerRooms, Health, Traces],
          useFactory: (watch: WatchList, rooms: FollowerRooms, health: Health, traces: Traces) =>
            new ChainFollowers(chains, watch, rooms, health, { ...options, traces }),
        },
      ],
    };
  }
}

/** What a command needs that searches the past of the given chains, beside those who follow them. Needs `TipLedger`, `WalletRegister` and `Clock`. */
@Module({})
export class BackfillModule {
  static for(chains: readonly ChainSettings[]): DynamicModule {
    const providers = [...metricProviders, watchListProvider, ...backfillProviders(chains)];
    return { module: BackfillModule, providers, exports: [Backfills, WatchList] };
  }
}
