import type { BlockRange } from '@droppio/tips';
import type { HistoryNodes } from '../backfill/history-reader.js';
import type { BlockLogs, LogSearch, ScannedRange } from '../nodes/range-reader.js';
import { ScriptedChain } from './scripted-chain.js';

/** A scripted chain that can be read by ranges, some blocks at a time. */
export class PastChain extends ScriptedChain implements HistoryNodes {
  /** Blocks of one answer. */
  span = 7;
  /** True: tells the time of a block along with its logs. */
  tellsTimes = false;
  /** Ranges that were asked for. */
  readonly ranges: BlockRange[] = [];

  async logsIn(range: BlockRange, { filter, sieve = () => true }: LogSearch): Promise<ScannedRange> {
    this.ranges.push(range);
    const to = Math.min(range.to, range.from + this.span - 1);
    const blocks: BlockLogs[] = [];
    let told = 0;
    for (let number = range.from; number <= to; number += 1) {
      const header = this.at(number);
      const all = await this.logs(header, filter);
      const wanted = new Set(all.filter(({ address, topics }) => sieve(address, topics)).map(({ txHash }) => txHash));
      const logs = all.filter(({ txHash }) => wanted.has(txHash));
      told += all.length;
      const { hash, timestampMs } = header;
      if (logs.length > 0) blocks.push({ number, hash, logs, ...(this.tellsTimes ? { timestampMs } : {}) });
    }
    return { to, blocks, told };
  }
}
