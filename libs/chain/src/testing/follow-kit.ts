import { SystemClock } from '@droppio/platform';
import { EventRelay, type ChainReader, type Hex, type LeaderLock, type TipLedger } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { chainSettings, type ChainSettings } from '../chain-settings.js';
import { ChainFollower } from '../follow/chain-follower.js';
import type { LeaseTimes } from '../follow/lease-keeper.js';
import { unregisteredMetrics } from '../metrics.js';
import type { WatchList } from '../watch-list.js';

/** Notes whom it was asked to publish for. */
export class NotingRelay extends EventRelay {
  readonly drained: string[] = [];

  override drain(creatorId: string): Promise<void> {
    this.drained.push(creatorId);
    return Promise.resolve();
  }
}

export const JAR: Hex = '0x00000000000000000000000000000000000000aa';
export const QUICK_LEASE: LeaseTimes = { ttlMs: 400, renewEveryMs: 60, tryEveryMs: 20 };

export function testChain(fields: Partial<ChainSettings> = {}): ChainSettings {
  return {
    ...chainSettings({ chainId: 1, name: 'test', rpcUrls: ['http://127.0.0.1:1'], tipJar: JAR, native: { symbol: 'ETH' }, startBlock: 0 }),
    ...fields,
  };
}

export interface FollowOptions {
  readonly chain?: ChainSettings;
  readonly relay?: EventRelay;
  readonly leaseTimes?: LeaseTimes;
  readonly holder?: string;
  readonly lock?: LeaderLock;
  readonly watch?: WatchList;
}

/** A started follower on the system's clock. */
export function followed(reader: ChainReader, ledger: TipLedger, options: FollowOptions = {}): ChainFollower {
  const { chain = testChain(), relay = new NotingRelay(), leaseTimes = QUICK_LEASE, holder = randomHex(8), lock, watch } = options;
  const follower = new ChainFollower(
    chain,
    reader,
    { ledger, relay, clock: new SystemClock(), metrics: unregisteredMetrics(), leaseTimes, ...(lock && { lock }), ...(watch && { watch }) },
    holder,
  );
  follower.start();
  return follower;
}
