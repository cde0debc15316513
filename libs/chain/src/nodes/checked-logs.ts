import type { BlockRef, ChainLog, Hex, LogFilter } from '@droppio/tips';
import { RpcFailed } from './rpc-failure.js';

/*
 * A log of another block, of another contract or twice the same means that the answer belongs to something else: none of it is believed.
 */

/** What columns hold, and far more than any block does. */
const MOST_LOGS = 2 ** 31;

export function isAsked({ address, topics: [topic] }: ChainLog, filter: LogFilter): boolean {
  return filter.addresses.includes(address) && (filter.topics.length === 0 || (topic !== undefined && filter.topics.includes(topic)));
}

/** The logs of one block, in log order. Throws `RpcFailed`. */
export function checkedBlock(logs: readonly ChainLog[], block: BlockRef, filter: LogFilter): readonly ChainLog[] {
  const seen = new Set<number>();
  for (const log of logs) {
    if (log.blockHash !== block.hash || log.blockNumber !== block.number) throw new RpcFailed('malformed', 'a log of another block');
    if (!isAsked(log, filter)) throw new RpcFailed('malformed', 'a log that was not asked for');
    if (log.logIndex >= MOST_LOGS) throw new RpcFailed('malformed', 'a log further down than any block is long');
    if (seen.has(log.logIndex)) throw new RpcFailed('malformed', 'the same log twice');
    seen.add(log.logIndex);
  }
  return [...logs].sort((a, b) => a.logIndex - b.logIndex);
}

/** The logs of a range, by height. Throws `RpcFailed`. */
export function checkedRange(
  logs: readonly ChainLog[],
  from: number,
  to: number,
  filter: LogFilter,
): ReadonlyMap<number, readonly ChainLog[]> {
  const byHash = new Map<Hex, ChainLog[]>();
  for (const log of logs) {
    if (log.blockNumber < from || log.blockNumber > to) throw new RpcFailed('malformed', 'a log outside the range');
    const known = byHash.get(log.blockHash);
    if (known === undefined) byHash.set(log.blockHash, [log]);
    else known.push(log);
  }
  const byNumber = new Map<number, readonly ChainLog[]>();
  for (const [hash, own] of byHash) {
    const number = own[0]?.blockNumber ?? from;
    if (byNumber.has(number)) throw new RpcFailed('malformed', 'two blocks of one height');
    byNumber.set(number, checkedBlock(own, { number, hash }, filter));
  }
  return byNumber;
}
