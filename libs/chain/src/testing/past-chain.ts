import type { BlockRange, LogFilter } from '@droppio/tips';
import type { HistoryNodes } from '../backfill/history-reader.js';
import type { BlockLogs, ScannedRange } from '../nodes/range-reader.js';
import { ScriptedChain } from './scripted-chain.js';

/** A scripted chain that can be read by ranges, some blocks at a time. */
export class PastChain extends ScriptedChain implements HistoryNodes {
  /** Blocks of one answer. */
  span = 7;
  /** True: tells the time of a block along with its logs. */
  tellsTimes = false;
  /** Ranges that were asked for. */
  readonly ranges: BlockRange[] = [];

  async logsIn(range: BlockRange, filter: LogFilter): Promise<ScannedRange> {
    this.ranges.push(range);
    const to = Math.min(range.to, range.from + this.span - 1);
    const blocks: BlockLogs[] = [];
    for (let number = range.from; number <= to; number += 1) {
      const header = this.at(number);
      const logs = await this.logs(header, filter);
      const { hash, timestampMs } = header;
      if (logs.length > 0) blocks.push({ number, hash, logs, ...(this.tellsTimes ? { timestampMs } : {}) });
    }
    return { to, blocks };
  }
}
