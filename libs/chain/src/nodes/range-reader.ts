import { ChainUnavailable, type BlockRange, type BlockRef, type ChainLog, type LogFilter } from '@droppio/tips';
import { checkedBlock, checkedRange, isAsked } from './checked-logs.js';
import { isTooMuch, rangeAdvice } from './log-range-error.js';
import { logsDigest } from './log-digest.js';
import type { Ballot } from './ballot.js';
import { parseBlock, parseReceipts } from './rpc-answer.js';
import type { RpcEndpoint } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { Answer, RpcPool } from './rpc-pool.js';
import { readWireLogs } from './wire-logs.js';

/** A block that has logs, with its time where the node told it along with them. */
export interface BlockLogs extends BlockRef {
  readonly timestampMs?: number;
  /** In log order. */
  readonly logs: readonly ChainLog[];
}

export interface ScannedRange {
  /** How far it was read; maybe not to the end that was asked for. */
  readonly to: number;
  /** Those that have logs, by height. */
  readonly blocks: readonly BlockLogs[];
}

const FIRST_SPAN = 500;
const MOST_SPAN = 10_000;
/** Logs that one answer should have: more would hold up whatever else the process does, and its memory. */
const COMFORTABLE = 2000;
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
  async read(range: BlockRange, filter: LogFilter): Promise<ScannedRange> {
    const wanted = { from: range.from, to: Math.min(range.to, range.from + this.span() - 1) };
    const scanned =
      this.ballot === undefined ? await this.first(wanted, range.to, filter) : await this.agreed(this.ballot, wanted, range.to, filter);
    const logs = scanned.blocks.reduce((sum, block) => sum + block.logs.length, 0);
    this.learn(scanned.to - range.from + 1, logs);
    return scanned;
  }

  /** The first usable answer, which may end early. */
  private async first(wanted: BlockRange, furthest: number, filter: LogFilter): Promise<ScannedRange> {
    const { value } = await this.anywhere(this.pool.endpoints, furthest, (endpoint) => this.several(endpoint, wanted, filter, QUESTIONS));
    return value;
  }

  /** Two providers must have read the same, so both read to the same end. */
  private agreed(ballot: Ballot, { from, to }: BlockRange, furthest: number, filter: LogFilter): Promise<ScannedRange> {
    return ballot.decide({
      what: `the logs of blocks ${String(from)} to ${String(to)}`,
      ask: (among) => this.anywhere(among, furthest, (endpoint) => this.several(endpoint, { from, to }, filter, Infinity)),
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
    let failure: unknown = new ChainUnavailable('No node is left to ask.');
    for (const endpoint of this.pool.order({ only })) {
      try {
        await this.reach(endpoint, furthest);
        return { value: await ask(endpoint), endpoint };
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Throws when the endpoint has not got this block: it is behind, and would leave out what it does not know. */
  private async reach(endpoint: RpcEndpoint, number: number): Promise<void> {
    if ((this.reached.get(endpoint) ?? -1) >= number) return;
    const block = await this.pool.askOne(endpoint, { method: 'eth_getBlockByNumber', params: [hexOf(number), false], parse: parseBlock });
    if (block?.number !== number) throw new RpcFailed('unknown', 'the node has not come so far', { endpoint: endpoint.name });
    this.reached.set(endpoint, number);
  }

  private async several(endpoint: RpcEndpoint, { from, to }: BlockRange, filter: LogFilter, most: number): Promise<ScannedRange> {
    const blocks: BlockLogs[] = [];
    let next = from;
    for (let questions = 0; next <= to && questions < most; questions += 1) {
      const read = await this.some(endpoint, { from: next, to }, filter);
      blocks.push(...read.blocks);
      next = read.to + 1;
    }
    return { to: next - 1, blocks };
  }

  private async some(endpoint: RpcEndpoint, { from, to }: BlockRange, filter: LogFilter): Promise<ScannedRange> {
    const appetite = this.appetiteOf(endpoint);
    let last = Math.min(to, from + appetite.span - 1);
    for (let shrinks = 0; ; shrinks += 1) {
      try {
        const blocks = await this.ask(endpoint, { from, to: last }, filter);
        if (!appetite.isNamed) appetite.span = Math.min(MOST_SPAN, Math.ceil(Math.max(appetite.span, (last - from + 1) * GROWTH)));
        return { to: last, blocks };
      } catch (error) {
        if (last === from && error instanceof RpcFailed && isTooMuch(error))
          return { to: last, blocks: await this.receipts(endpoint, from, filter) };
        const advice = error instanceof RpcFailed ? rangeAdvice(error, last - from + 1) : undefined;
        if (advice === undefined || last === from || shrinks === MOST_SHRINKS) throw error;
        appetite.span = advice.span;
        appetite.isNamed ||= advice.isNamed;
        last = from + advice.span - 1;
      }
    }
  }

  private async ask(endpoint: RpcEndpoint, { from, to }: BlockRange, filter: LogFilter): Promise<readonly BlockLogs[]> {
    const topics = filter.topics.length === 0 ? {} : { topics: [filter.topics] };
    return this.pool.askOne(endpoint, {
      method: 'eth_getLogs',
      params: [{ fromBlock: hexOf(from), toBlock: hexOf(to), address: filter.addresses, ...topics }],
      parse: (answer) => blocksOf(answer, { from, to }, filter),
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** One block with more logs than the provider hands out at once: its receipts have no such cap. */
  private async receipts(endpoint: RpcEndpoint, number: number, filter: LogFilter): Promise<readonly BlockLogs[]> {
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
    return logs.length === 0 ? [] : [{ number, hash: block.hash, timestampMs: block.timestampMs, logs }];
  }

  private appetiteOf(endpoint: RpcEndpoint): Appetite {
    const known = this.appetites.get(endpoint) ?? { span: FIRST_SPAN, isNamed: false };
    this.appetites.set(endpoint, known);
    return known;
  }
}

function blocksOf(answer: unknown, { from, to }: BlockRange, filter: LogFilter): readonly BlockLogs[] {
  const read = readWireLogs(answer);
  const times = new Map(read.map(({ log, timestampMs }) => [log.blockNumber, timestampMs]));
  const found = checkedRange(
    read.map(({ log }) => log),
    from,
    to,
    filter,
  );
  return [...found]
    .sort(([a], [b]) => a - b)
    .flatMap(([number, logs]) => {
      const [first] = logs;
      const timestampMs = times.get(number);
      return first === undefined ? [] : [{ number, hash: first.blockHash, logs, ...(timestampMs === undefined ? {} : { timestampMs }) }];
    });
}

function hexOf(value: number): string {
  return `0x${value.toString(16)}`;
}
