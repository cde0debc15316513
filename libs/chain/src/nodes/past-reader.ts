import type { BlockRange, Clock } from '@droppio/tips';
import type { ChainSettings } from '../chain-settings.js';
import type { ChainMetrics } from '../metrics.js';
import { Ballot } from './ballot.js';
import { RangeReader, type LogSearch, type ScannedRange } from './range-reader.js';
import { ViemChainReader } from './viem-chain-reader.js';

/**
 * A chain's nodes for reading what is long past. Apart from the live reader, with limits of its own: a search of the past may use up what it
 * may ask of a node, and live blocks must not wait for it. Where two providers must agree on what is final, they must here, too.
 */
export class PastReader extends ViemChainReader {
  private readonly ranges: RangeReader;

  constructor(settings: ChainSettings, clock: Clock, metrics: ChainMetrics) {
    super(settings, clock, metrics);
    this.ranges = new RangeReader(this.pool, settings.quorum?.finalized === true ? new Ballot(this.pool, metrics.rpc) : undefined);
  }

  /** Logs of final blocks from `from` on, as far towards `to` as suits the nodes. Throws `ChainUnavailable`. */
  logsIn(range: BlockRange, search: LogSearch): Promise<ScannedRange> {
    return this.ranges.read(range, search);
  }
}
