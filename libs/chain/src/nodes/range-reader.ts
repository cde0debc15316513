import { ChainUnavailable, type BlockRange, type BlockRef, type ChainLog, type LogFilter } from '@droppio/tips';
import { checkedBlock, checkedRange, isAsked } from './checked-logs.js';
import { isTooMuch, rangeAdvice } from './log-range-error.js';
import { logsDigest } from './log-digest.js';
import type { Ballot } from './ballot.js';
import { parseBlock, parseReceipts } from './rpc-answer.js';
import type { RpcEndpoint } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { Answer, RpcPool } from './rpc-pool.js';
import { readWireLogs, type LogSieve } from './wire-logs.js';

/** A block that has logs, with its time where the node told it along with them. */
export interface BlockLogs extends BlockRef {
  readonly timestampMs?: number;
  /** In log order. */
  readonly logs: readonly ChainLog[];
}

/** What is looked for in a range. */
export interface LogSearch {
  readonly filter: LogFilter;
  /** Absent: every log that the filter lets through. */
  readonly sieve?: LogSieve | undefined;
}

export interface ScannedRange {
  /** How far it was read; maybe not to the end that was asked for. */
  readonly to: number;
  /** Those that have logs, by height. */
  readonly blocks: readonly BlockLogs[];
  /** Logs that the nodes told, read or not. */
  readonly told: number;
}

/** Before anything is known of how full blocks are: even where each holds some hundred logs, an answer to be held. */
const FIRST_SPAN = 250;
const MOST_SPAN = 10_000;
/** Logs that one answer should have: more would hold up whatever else the process does, and its memory. */
const COMFORTABLE = 4000;
const GROWTH = 1.5;
/** Questions to one endpoint for one range, where it serves few blocks at once. */
const QUESTIONS = 8;
const MOST_SHRINKS = 16;
const TIMEOUT_MS = 15_000;

interface Appetite {
  span: number;
  isNamed: boolean;
}

/**
 * Reads the logs of final blocks by range: as many blocks at once as each endpoint serves, by its own words where it has any, and no more than
 * hold a comfortable number of logs. An endpoint that has not come as far as the range is not asked, since it would answer with nothing. With a
 * ballot, two providers must tell the same.
 */
export class RangeReader {
  private readonly appetites = new Map<RpcEndpoint, Appetite>();
  private readonly reached = new Map<RpcEndpoint, number>();
  private comfortable = FIRST_SPAN;

  constructor(
    private readonly pool: RpcPool,
    private readonly ballot?: Ballot,
  ) {}

  /** Throws `ChainUnavailable`. */
  async read(range: BlockRange, search: LogSearch): Promise<ScannedRange> {
    const wanted = { from: range.from, to: Math.min(range.to, range.from + this.span() - 1) };
    const scanned =
      this.ballot === undefined ? await this.first(wanted, range.to, search) : await this.agreed(this.ballot, wanted, range.to, search);
    this.learn(scanned.to - range.from + 1, scanned.told);
    return scanned;
  }

  /** The first usable answer, which may end early. */
  private async first(wanted: BlockRange, furthest: number, search: LogSearch): Promise<ScannedRange> {
    const { value } = await this.anywhere(this.pool.endpoints, furthest, (endpoint) => this.several(endpoint, wanted, search, QUESTIONS));
    return value;
  }

  /** Two providers must have read the same, so both read to the same end. */
  private agreed(ballot: Ballot, { from, to }: BlockRange, furthest: number, search: LogSearch): Promise<ScannedRange> {
    return ballot.decide({
      what: `the logs of blocks ${String(from)} to ${String(to)}`,
      ask: (among) => this.anywhere(among, furthest, (endpoint) => this.several(endpoint, { from, to }, search, Infinity)),
      digest: ({ blocks }) => logsDigest(blocks.flatMap(({ logs }) => logs)),
    });
  }

  private span(): number {
    const [best] = this.pool.order();
    return best === undefined ? this.comfortable : Math.min(this.comfortable, this.appetiteOf(best).span * QUESTIONS);
  }

  private learn(span: number, logs: number): void {
    if (logs > COMFORTABLE) this.comfortable = Math.max(1, Math.floor((span * COMFORTABLE) / logs));
    else if (logs < COMFORTABLE / 2) this.comfortable = Math.min(MOST_SPAN, Math.ceil(Math.max(span, this.comfortable / GROWTH) * GROWTH));
  }

  private async anywhere<T>(
    only: readonly RpcEndpoint[],
    furthest: number,
    ask: (endpoint: RpcEndpoint) => Promise<T>,
  ): Promise<Answer<T>> {
    let failure: Error | undefined;
    for (const endpoint of this.pool.order({ only })) {
      try {
        await this.reach(endpoint, furthest);
        return { value: await ask(endpoint), endpoint };
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        failure = error;
      }
    }
    throw failure ?? new ChainUnavailable('No node is left to ask.');
  }

  /** Throws when the endpoint has not got this block: it is behind, and would leave out what it does not know. */
  private async reach(endpoint: RpcEndpoint, number: number): Promise<void> {
    if ((this.reached.get(endpoint) ?? -1) >= number) return;
    const block = await this.pool.askOne(endpoint, { method: 'eth_getBlockByNumber', params: [hexOf(number), false], parse: parseBlock });
    if (block?.number !== number) throw new RpcFailed('unknown', 'the node has not come so far', { endpoint: endpoint.name });
    this.reached.set(endpoint, number);
  }

  private async several(endpoint: RpcEndpoint, { from, to }: BlockRange, search: LogSearch, most: number): Promise<ScannedRange> {
    const blocks: BlockLogs[] = [];
    let told = 0;
    let next = from;
    for (let questions = 0; next <= to && questions < most; questions += 1) {
      const read = await this.some(endpoint, { from: next, to }, search);
      blocks.push(...read.blocks);
      told += read.told;
      next = read.to + 1;
    }
    return { to: next - 1, blocks, told };
  }

  private async some(endpoint: RpcEndpoint, { from, to }: BlockRange, search: LogSearch): Promise<ScannedRange> {
    const appetite = this.appetiteOf(endpoint);
    let last = Math.min(to, from + appetite.span - 1);
    for (let shrinks = 0; ; shrinks += 1) {
      try {
        const read = await this.ask(endpoint, { from, to: last }, search);
        if (!appetite.isNamed) appetite.span = Math.min(MOST_SPAN, Math.ceil(Math.max(appetite.span, (last - from + 1) * GROWTH)));
        return read;
      } catch (error) {
        if (last === from && error instanceof RpcFailed && isTooMuch(error)) return await this.receipts(endpoint, from, search.filter);
        const advice = error instanceof RpcFailed ? rangeAdvice(error, last - from + 1) : undefined;
        if (advice === undefined || last === from || shrinks === MOST_SHRINKS) throw error;
        appetite.span = advice.span;
        appetite.isNamed ||= advice.isNamed;
        last = from + advice.span - 1;
      }
    }
  }

  private ask(endpoint: RpcEndpoint, { from, to }: BlockRange, search: LogSearch): Promise<ScannedRange> {
    const { addresses, topics } = search.filter;
    return this.pool.askOne(endpoint, {
      method: 'eth_getLogs',
      params: [{ fromBlock: hexOf(from), toBlock: hexOf(to), address: addresses, ...(topics.length === 0 ? {} : { topics: [topics] }) }],
      parse: (answer) => scannedOf(answer, { from, to }, search),
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** One block with more logs than the provider hands out at once: its receipts have no such cap. */
  private async receipts(endpoint: RpcEndpoint, number: number, filter: LogFilter): Promise<ScannedRange> {
    const block = await this.pool.askOne(endpoint, { method: 'eth_getBlockByNumber', params: [hexOf(number), false], parse: parseBlock });
    if (block?.number !== number) throw new RpcFailed('unknown', 'the node has no such block', { endpoint: endpoint.name });
    const logs = await this.pool.askOne(endpoint, {
      method: 'eth_getBlockReceipts',
      params: [block.hash],
      parse: (answer) =>
        checkedBlock(
          parseReceipts(answer).filter((log) => isAsked(log, filter)),
          block,
          filter,
        ),
      timeoutMs: TIMEOUT_MS,
    });
    const blocks = logs.length === 0 ? [] : [{ number, hash: block.hash, timestampMs: block.timestampMs, logs }];
    return { to: number, blocks, told: logs.length };
  }

  private appetiteOf(endpoint: RpcEndpoint): Appetite {
    const known = this.appetites.get(endpoint) ?? { span: FIRST_SPAN, isNamed: false };
    this.appetites.set(endpoint, known);
    return known;
  }
}

function scannedOf(answer: unknown, { from, to }: BlockRange, { filter, sieve }: LogSearch): ScannedRange {
  const read = readWireLogs(answer, sieve);
  const told = Array.isArray(answer) ? answer.length : 0;
  if (read.length === 0) return { to, blocks: [], told };
  const times = new Map(read.map(({ log, timestampMs }) => [log.blockNumber, timestampMs]));
  const logs = read.map(({ log }) => log);
  const blocks = [...checkedRange(logs, from, to, filter)]
    .sort(([a], [b]) => a - b)
    .flatMap(([number, own]) => {
      const [first] = own;
      const timestampMs = times.get(number);
      return first === undefined
        ? []
        : [{ number, hash: first.blockHash, logs: own, ...(timestampMs === undefined ? {} : { timestampMs }) }];
    });
  return { to, blocks, told };
}

function hexOf(value: number): string {
  return `0x${value.toString(16)}`;
}
