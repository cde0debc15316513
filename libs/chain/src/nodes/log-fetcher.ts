import { Logger } from '@nestjs/common';
import type { BlockHeader, ChainLog, Clock, Hex, LogFilter } from '@droppio/tips';
import type { Ballot } from './ballot.js';
import type { BlockSource } from './block-sources.js';
import { bloomFill, type BloomVerdict } from './bloom.js';
import { checkedBlock, isAsked } from './checked-logs.js';
import { logsDigest } from './log-digest.js';
import { isTooMuch } from './log-range-error.js';
import { LogRanges } from './log-ranges.js';
import type { LogQuorum } from './quorum.js';
import { parseBlock, parseLogs, parseReceipts } from './rpc-answer.js';
import type { RpcEndpoint } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { RpcMetrics } from './rpc-metrics.js';
import type { Answer, AskOptions, RpcPool } from './rpc-pool.js';

export interface LogQuestion {
  readonly prefer?: RpcEndpoint | undefined;
  /** The block's bloom admits one of our logs, so that an empty answer deserves a second look. */
  readonly isEmptySuspicious: boolean;
}

/** With one endpoint only: how long its index gets to catch up with its headers before it is asked the second time. */
const SECOND_LOOK_MS = 100;
/** A bloom with more of its bits set than these admits blocks without our logs too often to be worth their receipts. */
const TELLING_FILL = 0.5;
const AWAY_MS = 60_000;
const BEHIND_BLOCKS = 16;

/** The logs of exactly one block, checked against its header. */
export class LogFetcher {
  private readonly logger = new Logger('chain');
  private readonly ranges: LogRanges;

  constructor(
    private readonly pool: RpcPool,
    private readonly ballot: Ballot,
    private readonly clock: Clock,
    private readonly metrics: RpcMetrics,
    /** Two providers must tell the same logs of every block that may hold some; without it the first answer is believed. */
    private readonly quorum?: LogQuorum,
  ) {
    this.ranges = new LogRanges(pool, quorum !== undefined);
  }

  /** Up to this height answers for many blocks at once may be used. */
  finalizedAt(number: number): void {
    this.ranges.finalized = Math.max(this.ranges.finalized, number);
  }

  /**
   * A bloom is one node's word, and a false one hides tips: with a quorum two providers must have told it before it may spare a question.
   * Among final blocks the question is cheap, since it is asked for many at once.
   */
  async mayHaveLogs(block: BlockHeader, oracle: (bloom: Hex) => BloomVerdict, source: BlockSource | undefined): Promise<BloomVerdict> {
    const verdict = oracle(block.logsBloom);
    if (verdict !== 'excluded' || this.quorum === undefined) return verdict;
    if (this.ranges.finalized >= block.number) return 'possible';
    const { logsBloom } = await this.ballot.decide({
      what: `the bloom of block ${String(block.number)}`,
      ask: (only) =>
        this.pool.ask({ method: 'eth_getBlockByHash', params: [block.hash, false], parse: (answer) => sameBlock(answer, block) }, { only }),
      digest: (header) => header.logsBloom,
      // In the words of whoever told it: the header at hand may be another's, who would then be heard twice.
      given: source && { value: source.header, endpoint: source.endpoint },
    });
    return oracle(logsBloom);
  }

  async logs(block: BlockHeader, filter: LogFilter, { prefer, isEmptySuspicious }: LogQuestion): Promise<readonly ChainLog[]> {
    const ranged = await this.ranges.logs(block, filter, isEmptySuspicious);
    if (ranged !== undefined) return ranged;
    if (this.quorum !== undefined) return this.agreed(block, filter, this.quorum, prefer);
    const first = await this.fetch(block, filter, { prefer });
    if (first.value.length > 0 || !isEmptySuspicious) return first.value;
    this.metrics.suspiciouslyEmpty(first.endpoint.name);
    this.logger.debug('logs.suspiciously-empty', { endpoint: first.endpoint.name, block: block.number });
    return this.lookAgain(block, filter, first.endpoint);
  }

  /** Logs of blocks that are settled, whoever asks for them: always as two providers tell them. Throws `QuorumMissed`. */
  agreedRange(from: number, to: number, filter: LogFilter): Promise<readonly ChainLog[]> {
    return this.ballot.decide({
      what: `the logs of blocks ${String(from)} to ${String(to)}`,
      ask: (among) => this.ranges.whole(among, from, to, filter),
      digest: logsDigest,
    });
  }

  private agreed(
    block: BlockHeader,
    filter: LogFilter,
    { settle }: LogQuorum,
    prefer: RpcEndpoint | undefined,
  ): Promise<readonly ChainLog[]> {
    return this.ballot.decide({
      what: `the logs of block ${String(block.number)}`,
      ask: (only) => this.fetch(block, filter, { only, prefer }),
      digest: logsDigest,
      prefer,
      otherwise: settle,
    });
  }

  /**
   * Blooms have false positives: what a second look finds empty too is taken for empty. Another endpoint that stumbles for a moment is waited
   * for (this throws, and the block is tried again); one that has been away or behind for long would only hold the chain up. Who is alone may
   * hide the same logs twice, so a bloom that says something is held against the block's receipts before it counts for nothing.
   */
  private async lookAgain(block: BlockHeader, filter: LogFilter, first: RpcEndpoint): Promise<readonly ChainLog[]> {
    const others = this.pool.order({ except: [first] }).filter((endpoint) => this.isWorthWaitingFor(endpoint, block));
    if (others.length === 0) {
      await this.clock.sleep(SECOND_LOOK_MS);
      const { value } = await this.fetch(block, filter, { prefer: first });
      return value.length > 0 || bloomFill(block.logsBloom) > TELLING_FILL ? value : this.inReceipts(block, filter, first);
    }
    const second = await this.fetch(block, filter, { only: others });
    return second.value;
  }

  private async inReceipts(block: BlockHeader, filter: LogFilter, prefer: RpcEndpoint): Promise<readonly ChainLog[]> {
    try {
      return (await this.fetchReceipts(block, filter, { prefer })).value;
    } catch (error) {
      // Nodes that do not have the method say so in words of their own: there is nobody left to ask.
      if (error instanceof RpcFailed && error.kind === 'rpc') return [];
      throw error;
    }
  }

  private isWorthWaitingFor({ lastAnswerAtMs, headNumber, circuit }: RpcEndpoint, block: BlockHeader): boolean {
    const isAway = lastAnswerAtMs === 0 ? circuit.isOpen : this.clock.now() - lastAnswerAtMs >= AWAY_MS;
    return !isAway && (headNumber < 0 || headNumber >= block.number - BEHIND_BLOCKS);
  }

  private async fetch(block: BlockHeader, filter: LogFilter, options: AskOptions): Promise<Answer<readonly ChainLog[]>> {
    const parse = (answer: unknown): readonly ChainLog[] => checkedBlock(parseLogs(answer), block, filter);
    const query = { blockHash: block.hash, address: filter.addresses, ...(filter.topics.length === 0 ? {} : { topics: [filter.topics] }) };
    try {
      return await this.pool.ask({ method: 'eth_getLogs', params: [query], parse }, options);
    } catch (error) {
      if (!(error instanceof RpcFailed && isTooMuch(error))) throw error;
    }
    // One block with more logs than the provider hands out at once: its receipts have no such cap.
    return this.fetchReceipts(block, filter, options);
  }

  private fetchReceipts(block: BlockHeader, filter: LogFilter, options: AskOptions): Promise<Answer<readonly ChainLog[]>> {
    const parse = (answer: unknown): readonly ChainLog[] => checkedBlock(onlyOurs(parseReceipts(answer), filter), block, filter);
    return this.pool.ask({ method: 'eth_getBlockReceipts', params: [block.hash], parse, timeoutMs: 15_000 }, options);
  }
}

function onlyOurs(logs: readonly ChainLog[], filter: LogFilter): readonly ChainLog[] {
  return logs.filter((log) => isAsked(log, filter));
}

function sameBlock(answer: unknown, { hash }: BlockHeader): BlockHeader {
  const block = parseBlock(answer);
  if (block === undefined) throw new RpcFailed('unknown', 'the node has no such block');
  if (block.hash !== hash) throw new RpcFailed('malformed', 'the node answered with another block');
  return block;
}
