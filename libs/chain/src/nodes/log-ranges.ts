import type { BlockHeader, ChainLog, LogFilter } from '@droppio/tips';
import { checkedRange } from './checked-logs.js';
import { logsDigest } from './log-digest.js';
import { rangeAdvice } from './log-range-error.js';
import { parseBlock, parseLogs } from './rpc-answer.js';
import type { RpcEndpoint } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { Answer, RpcPool } from './rpc-pool.js';

interface Range {
  readonly from: number;
  readonly filter: LogFilter;
  /** Planned end; the answer may end earlier. */
  readonly to: number;
  readonly read: Promise<Answer<RangeLogs> | undefined>;
  second?: Promise<RangeLogs | undefined>;
  /** It told of a block that is not the one that was walked: nothing of it is believed any more. */
  isRotten?: boolean;
}

interface RangeLogs {
  readonly to: number;
  readonly byNumber: ReadonlyMap<number, readonly ChainLog[]>;
}

interface Appetite {
  span: number;
  /** It said itself that it serves no more blocks at once. */
  most: number;
}

const FIRST_SPAN = 500;
const MOST_SPAN = 10_000;
const GROWTH = 1.05;
const KEPT = 4;
const MOST_SHRINKS = 16;
const RANGE_TIMEOUT_MS = 15_000;
/** Logs of one answer. The transfers of a busy token would fill any span with more than a process should hold. */
const COMFORTABLE = 5000;

/**
 * Reads ahead while a chain catches up: one question for hundreds of blocks instead of one for each. Only among finalised blocks, since an
 * answer by height says nothing of the blocks of another branch; what has logs is believed only when the block's hash agrees, and whatever
 * is doubtful is left to the question for that single block. Finds out how many blocks each endpoint serves at once, from its own words
 * where it has any.
 */
export class LogRanges {
  /** Height up to which the chain calls its blocks final. */
  finalized = -1;
  private ranges: Range[] = [];
  private readonly appetites = new Map<RpcEndpoint, Appetite>();

  constructor(
    private readonly pool: RpcPool,
    /** A block is believed only when a second provider tells the same of it. */
    private readonly needsTwo = false,
    private readonly timeoutMs = RANGE_TIMEOUT_MS,
  ) {}

  /** `undefined`: ask for this block alone. Never rejects. */
  async logs(block: BlockHeader, filter: LogFilter, isEmptySuspicious: boolean): Promise<readonly ChainLog[] | undefined> {
    for (let range = this.covering(block, filter); range !== undefined; range = this.covering(block, filter)) {
      const read = await range.read;
      if (read === undefined) return undefined;
      if (read.value.to < block.number) {
        // The endpoint serves less at once than was planned: the rest is another range.
        this.ranges = this.ranges.map((known) => (known === range ? { ...known, to: read.value.to } : known));
        continue;
      }
      const found = await this.found(range, read, block.number, isEmptySuspicious);
      if (found?.some((log) => log.blockHash !== block.hash) === true) range.isRotten = true;
      return range.isRotten === true ? undefined : found;
    }
    return undefined;
  }

  /** `undefined`: doubtful. */
  private async found(
    range: Range,
    read: Answer<RangeLogs>,
    number: number,
    isEmptySuspicious: boolean,
  ): Promise<readonly ChainLog[] | undefined> {
    const first = read.value.byNumber.get(number);
    if (!this.needsTwo) return first ?? (isEmptySuspicious ? this.lookAgain(range, read, number) : []);
    const second = await this.lookAgain(range, read, number);
    return second !== undefined && logsDigest(second) === logsDigest(first ?? []) ? second : undefined;
  }

  /** All logs of a range at one of these endpoints, in as many questions as it wants. Throws what the last of them throws. */
  async whole(only: readonly RpcEndpoint[], from: number, to: number, filter: LogFilter): Promise<Answer<readonly ChainLog[]>> {
    let failure: unknown = new RpcFailed('busy', 'no node is left to ask');
    for (const endpoint of this.pool.order({ only })) {
      try {
        await this.reach(endpoint, to);
        const logs: ChainLog[] = [];
        for (let at = from; at <= to;) {
          const read = await this.readFrom(endpoint, at, to, filter);
          for (const found of read.byNumber.values()) logs.push(...found);
          at = read.to + 1;
        }
        return { value: logs, endpoint };
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Throws when the endpoint has not got this block: it would leave out what it does not know. */
  private async reach(endpoint: RpcEndpoint, number: number): Promise<void> {
    if (endpoint.headNumber >= number) return;
    const question = { method: 'eth_getBlockByNumber', params: [`0x${number.toString(16)}`, false], parse: parseBlock };
    const block = await this.pool.askOne(endpoint, question);
    if (block?.number !== number) throw new RpcFailed('unknown', 'the node has not come so far', { endpoint: endpoint.name });
  }

  /** One more question for the whole range, at another endpoint: most blocks of a busy chain look as if they held our logs. */
  private async lookAgain(range: Range, first: Answer<RangeLogs>, number: number): Promise<readonly ChainLog[] | undefined> {
    range.second ??= this.readAgain(range, first);
    const second = await range.second;
    return second === undefined || second.to < number ? undefined : (second.byNumber.get(number) ?? []);
  }

  private async readAgain(range: Range, first: Answer<RangeLogs>): Promise<RangeLogs | undefined> {
    const isOther = ({ provider }: RpcEndpoint): boolean => !this.needsTwo || provider !== first.endpoint.provider;
    const [other] = this.pool.order({ except: [first.endpoint] }).filter((endpoint) => !endpoint.circuit.isOpen && isOther(endpoint));
    // The same endpoint would leave out the same: then each such block is asked for by itself.
    if (other === undefined) return undefined;
    return this.readFrom(other, range.from, first.value.to, range.filter).catch(() => undefined);
  }

  private covering(block: BlockHeader, filter: LogFilter): Range | undefined {
    if (block.number > this.finalized) return undefined;
    const known = this.ranges.find(({ from, to, filter: asked }) => asked === filter && from <= block.number && block.number <= to);
    if (known !== undefined) return known;
    const [endpoint] = this.pool.order();
    if (endpoint === undefined) return undefined;
    const from = block.number;
    const to = Math.min(this.finalized, from + this.appetiteOf(endpoint).span - 1);
    const range: Range = { from, to, filter, read: this.read(from, to, filter) };
    this.ranges = [...this.ranges.slice(1 - KEPT), range];
    return range;
  }

  private async read(from: number, to: number, filter: LogFilter): Promise<Answer<RangeLogs> | undefined> {
    for (const endpoint of this.pool.order()) {
      if (endpoint.circuit.isOpen) continue;
      const value = await this.readFrom(endpoint, from, to, filter).catch(() => undefined);
      if (value !== undefined) return { value, endpoint };
    }
    this.ranges = this.ranges.filter((range) => range.from !== from);
    return undefined;
  }

  private async readFrom(endpoint: RpcEndpoint, from: number, to: number, filter: LogFilter): Promise<RangeLogs> {
    const appetite = this.appetiteOf(endpoint);
    let last = Math.min(to, from + appetite.span - 1);
    for (let shrinks = 0; ; shrinks += 1) {
      try {
        const byNumber = await this.ask(endpoint, from, last, filter);
        learn(appetite, last - from + 1, byNumber);
        return { to: last, byNumber };
      } catch (error) {
        if (!(error instanceof RpcFailed)) throw error;
        const span = last - from + 1;
        // Not asked again at once, since it may be down; but if it comes back, then with less.
        if (error.kind === 'timeout') appetite.span = Math.max(1, span >> 1);
        const advice = rangeAdvice(error, span);
        if (advice === undefined || last === from || shrinks === MOST_SHRINKS) throw error;
        appetite.span = advice.span;
        if (advice.isNamed) appetite.most = advice.span;
        last = from + advice.span - 1;
      }
    }
  }

  private ask(endpoint: RpcEndpoint, from: number, to: number, filter: LogFilter): Promise<ReadonlyMap<number, readonly ChainLog[]>> {
    const hex = (value: number): string => `0x${value.toString(16)}`;
    const query = {
      fromBlock: hex(from),
      toBlock: hex(to),
      address: filter.addresses,
      ...(filter.topics.length === 0 ? {} : { topics: [filter.topics] }),
    };
    return this.pool.askOne(endpoint, {
      method: 'eth_getLogs',
      params: [query],
      parse: (answer) => checkedRange(parseLogs(answer), from, to, filter),
      timeoutMs: this.timeoutMs,
    });
  }

  private appetiteOf(endpoint: RpcEndpoint): Appetite {
    const known = this.appetites.get(endpoint) ?? { span: FIRST_SPAN, most: MOST_SPAN };
    this.appetites.set(endpoint, known);
    return known;
  }
}

/** The next span: as many blocks as hold a comfortable number of logs, growing slowly. */
function learn(appetite: Appetite, span: number, byNumber: ReadonlyMap<number, readonly ChainLog[]>): void {
  let logs = 0;
  for (const own of byNumber.values()) logs += own.length;
  if (logs > COMFORTABLE) appetite.span = Math.max(1, Math.floor((span * COMFORTABLE) / logs));
  else appetite.span = Math.min(appetite.most, Math.ceil(appetite.span * GROWTH));
}
