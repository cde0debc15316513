import { Injectable, type Provider } from '@nestjs/common';
import { BlockMetrics, blockMetricProviders } from './follow/block-metrics.js';
import { FollowerMetrics, followerMetricProviders } from './follow/follower-metrics.js';
import { HeadMetrics, headMetricProviders } from './nodes/head-metrics.js';
import { RpcMetrics, rpcMetricProviders } from './nodes/rpc-metrics.js';
import { WatchMetrics, watchMetricProviders } from './watch-metrics.js';

@Injectable()
export class ChainMetrics {
  constructor(
    readonly rpc: RpcMetrics,
    readonly heads: HeadMetrics,
    readonly blocks: BlockMetrics,
    readonly follower: FollowerMetrics,
    readonly watch: WatchMetrics,
  ) {}

  /** For a chain that is to be followed from now on. */
  begin(chainId: number): void {
    this.heads.waits(chainId);
    this.blocks.begin(chainId);
    this.follower.begin(chainId);
  }
}

/** What a module lists to have `ChainMetrics` injected. */
export const metricProviders: readonly Provider[] = [
  ...rpcMetricProviders,
  ...headMetricProviders,
  ...blockMetricProviders,
  ...followerMetricProviders,
  ...watchMetricProviders,
  ChainMetrics,
];

/** Without Nest and without a registry. */
export function unregisteredMetrics(): ChainMetrics {
  return new ChainMetrics(
    RpcMetrics.unregistered(),
    HeadMetrics.unregistered(),
    BlockMetrics.unregistered(),
    FollowerMetrics.unregistered(),
    WatchMetrics.unregistered(),
  );
}
