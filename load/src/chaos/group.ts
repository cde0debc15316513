import type { Hex } from '@droppio/tips';
import type { Failpoints, Slot } from './failpoints.js';
import type { FaultyProxy } from './faulty-proxy.js';
import type { ListenerPair } from './listener-process.js';
import type { Services } from './services.js';
import type { Tally } from './tally.js';

/** What the chains of one group share: a database, two listener processes, creators. */
export interface Group {
  readonly databaseUrl: string;
  readonly services: Services;
  readonly proxy: FaultyProxy;
  readonly failpoints: Failpoints;
  readonly pair: ListenerPair;
  readonly tally: Tally;
  readonly wallets: readonly Hex[];
  /** Who committed last to a chain. */
  readonly lastCommitter: ReadonlyMap<number, Slot>;
  /** How often a chain's cursor was moved. */
  readonly commits: ReadonlyMap<number, number>;
}

export const roleOf = (slot: Slot): string => `chaos_l${String(slot)}`;
