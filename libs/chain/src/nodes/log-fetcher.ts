import { Logger } from '@nestjs/common';
import type { BlockHeader, ChainLog, Clock, LogFilter } from '@droppio/tips';
import type { RpcMetrics } from '../metrics.js';
import { parseLogs, parseReceipts } from './rpc-answer.js';
import type { RpcEndpoint } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { Answer, RpcPool } from './rpc-pool.js';
import { isTooMuch } from './log-range-error.js';

export interface LogQuestion {
  readonly prefer?: RpcEndpoint | undefined;
  /** The block's bloom admits one of our logs, so that an empty answer deserves a second look. */
  readonly isEmptySuspicious: boolean;
}

/** With one endpoint only: how long its index gets to catch up with its headers before it is asked the second time. */
const SECOND_LOOK_MS = 100;

/** The logs of exactly one block, checked against its header. */
export class LogFetcher {
  private readonly logger = new Logger('chain');

  constructor(
    private readonly pool: RpcPool,
    private readonly clock: Clock,
    private readonly metrics: RpcMetrics,
  ) {}

  async logs(block: BlockHeader, filter: LogFilter, { prefer, isEmptySuspicious }: LogQuestion): Promise<readonly ChainLog[]> {
    const first = await this.fetch(block, filter, prefer);
    if (first.value.length > 0 || !isEmptySuspicious) return first.value;
    this.metrics.suspiciouslyEmpty(first.endpoint.name);
    this.logger.debug('logs.suspiciously-empty', { endpoint: first.endpoint.name, block: block.number });
    return this.lookAgain(block, filter, first.endpoint);
  }

  /** Blooms have false positives: what a second look finds empty too is taken for empty. */
  private async lookAgain(block: BlockHeader, filter: LogFilter, first: RpcEndpoint): Promise<readonly ChainLog[]> {
    const others = this.pool.order({ except: [first] }).filter((endpoint) => !endpoint.circuit.isOpen);
    if (others.length === 0) {
      await this.clock.sleep(SECOND_LOOK_MS);
      return (await this.fetch(block, filter, first)).value;
    }
    const second = await this.fetch(block, filter, undefined, [first]);
    return second.value;
  }

  private async fetch(
    block: BlockHeader,
    filter: LogFilter,
    prefer?: RpcEndpoint,
    except: readonly RpcEndpoint[] = [],
  ): Promise<Answer<readonly ChainLog[]>> {
    const parse = (answer: unknown): readonly ChainLog[] => checked(parseLogs(answer), block, filter);
    const query = { blockHash: block.hash, address: filter.addresses, ...(filter.topics.length === 0 ? {} : { topics: [filter.topics] }) };
    try {
      return await this.pool.ask({ method: 'eth_getLogs', params: [query], parse }, { prefer, except });
    } catch (error) {
      if (!(error instanceof RpcFailed && isTooMuch(error))) throw error;
    }
    // One block with more logs than the provider hands out at once: its receipts have no such cap.
    const fromReceipts = (answer: unknown): readonly ChainLog[] => checked(onlyOurs(parseReceipts(answer), filter), block, filter);
    return this.pool.ask(
      { method: 'eth_getBlockReceipts', params: [block.hash], parse: fromReceipts, timeoutMs: 15_000 },
      { prefer, except },
    );
  }
}

function onlyOurs(logs: readonly ChainLog[], filter: LogFilter): readonly ChainLog[] {
  return logs.filter((log) => isAsked(log, filter));
}

function isAsked({ address, topics }: ChainLog, filter: LogFilter): boolean {
  const [topic] = topics;
  return filter.addresses.includes(address) && (filter.topics.length === 0 || (topic !== undefined && filter.topics.includes(topic)));
}

/** A log of another block, of another contract or twice the same means that the answer belongs to something else: none of it is believed. */
function checked(logs: readonly ChainLog[], block: BlockHeader, filter: LogFilter): readonly ChainLog[] {
  const seen = new Set<number>();
  for (const log of logs) {
    if (log.blockHash !== block.hash || log.blockNumber !== block.number) throw new RpcFailed('malformed', 'a log of another block');
    if (!isAsked(log, filter)) throw new RpcFailed('malformed', 'a log that was not asked for');
    if (seen.has(log.logIndex)) throw new RpcFailed('malformed', 'the same log twice');
    seen.add(log.logIndex);
  }
  return [...logs].sort((a, b) => a.logIndex - b.logIndex);
}
