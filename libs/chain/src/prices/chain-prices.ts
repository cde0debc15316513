import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { Clock, TipValues, within } from '@droppio/tips';
import { ChainFollowers } from '../chain-followers.js';
import { pricedTokens } from '../chain-settings.js';
import { PriceKeeper } from './price-keeper.js';
import { PriceMetrics } from './price-metrics.js';
import { PriceReader } from './price-reader.js';

/** What is asked of a node right now may be answered; what hangs is not waited for. */
const STOP_MS = 2000;

/** Keeps the worth of tips on every chain that has a source of prices, beside those who follow them. */
@Injectable()
export class ChainPrices implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('chain');
  private readonly stopping = new AbortController();
  private running: readonly Promise<void>[] = [];

  constructor(
    private readonly followers: ChainFollowers,
    private readonly values: TipValues,
    private readonly clock: Clock,
    private readonly metrics: PriceMetrics,
  ) {}

  onApplicationBootstrap(): void {
    const { values, clock, metrics } = this;
    this.running = this.followers.lines
      .filter(({ chain }) => pricedTokens(chain).size > 0)
      .map(({ chain, reader, follower }) => {
        const prices = new PriceReader(chain.chainId, reader.contracts, chain.sequencer);
        const keeper = new PriceKeeper(chain, { values, prices, clock, metrics, isLeading: () => follower.isLeader });
        return keeper.keep(this.stopping.signal);
      });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await within(STOP_MS, 'stopping the prices', Promise.all(this.running)).catch((error: unknown) => {
      this.logger.warn('price.stop-cut-short', errorFields(error));
    });
  }
}
