import {
  ChainReader,
  ChainUnavailable,
  within,
  type BlockHeader,
  type BlockRef,
  type ChainLog,
  type ChainPayment,
  type Clock,
  type HeadListener,
  type Hex,
  type LogFilter,
  type PendingListener,
} from '@droppio/tips';
import { agreedTag } from './agreed-tag.js';
import { Ballot } from './ballot.js';
import { BlockSources, twinOf } from './block-sources.js';
import { bloomOracle, type BloomVerdict } from './bloom.js';
import type { ChainSettings } from '../chain-settings.js';
import { ContractCaller } from './contract-caller.js';
import { HeadWatch } from './head-watch.js';
import { LogFetcher } from './log-fetcher.js';
import type { ChainMetrics } from '../metrics.js';
import { PaymentFetcher } from './payment-fetcher.js';
import { PendingWatch } from './pending-watch.js';
import { logQuorum, paymentQuorum } from './quorum.js';
import { parseBlock, parsePendingLogs } from './rpc-answer.js';
import { RpcEndpoint, type RpcQuestion } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import { RpcPool } from './rpc-pool.js';
import { SecondOpinion } from './second-opinion.js';

export type NodeSettings = Pick<ChainSettings, 'chainId' | 'tipJar' | 'rpcUrls' | 'wsUrls' | 'pollMs' | 'preconfirmations' | 'quorum'>;

/** After the first endpoint told of its head, how long the others may take to tell of a newer one. */
const HEAD_GRACE_MS = 250;
const HEAD_TIMEOUT_MS = 3000;
/** The chain is silent when no node answered for this long, or for some blocks: polls are never further apart. */
const SILENT_MS = 10_000;
const SILENT_BLOCKS = 4;

/**
 * A chain seen through JSON-RPC. Plain requests only: filters on the node's side forget, subscriptions of the library die for good. Logs are
 * asked for by block hash, at the endpoint that served the header, and are believed only when they agree with the header.
 */
export class ViemChainReader extends ChainReader {
  override readonly chainId: number;
  readonly contracts: ContractCaller;
  protected readonly pool: RpcPool;
  private readonly ballot: Ballot;
  private readonly fetcher: LogFetcher;
  private readonly payer: PaymentFetcher;
  private readonly twins: ReadonlyMap<string, RpcEndpoint>;
  private readonly sources = new BlockSources();
  private watch: { readonly heads: HeadWatch; readonly sinceMs: number; readonly signal: AbortSignal } | undefined;
  private oracle: { readonly filter: LogFilter; readonly verdict: (bloom: Hex) => BloomVerdict } | undefined;

  constructor(
    private readonly settings: NodeSettings,
    private readonly clock: Clock,
    private readonly metrics: ChainMetrics,
  ) {
    super();
    this.chainId = settings.chainId;
    const label = (kind: string, index: number): string => `${String(settings.chainId)}-${kind}${String(index)}`;
    this.pool = new RpcPool(
      settings.chainId,
      settings.rpcUrls.map((url, index) => new RpcEndpoint(url, label('rpc', index), clock, metrics.rpc)),
    );
    this.twins = new Map(
      settings.wsUrls.flatMap((url, index) => {
        const twin = this.pool.endpoints[twinOf(url, settings.rpcUrls)];
        return twin === undefined ? [] : [[label('ws', index), twin] as const];
      }),
    );
    this.ballot = new Ballot(this.pool, metrics.rpc);
    // A ballot of its own: whether this chain is well is judged by its blocks alone.
    this.contracts = new ContractCaller(this.pool, settings.quorum && new Ballot(this.pool, metrics.rpc));
    this.fetcher = new LogFetcher(this.pool, this.ballot, clock, metrics.rpc, logQuorum(settings));
    this.payer = new PaymentFetcher(this.pool, this.ballot, paymentQuorum(settings));
  }

  /** Why two providers could not agree of late, as a sentence without its subject. */
  get quorumFault(): string | undefined {
    return this.ballot.fault;
  }

  /** What is wrong with the nodes, as a sentence without its subject; `undefined`: nothing, or nobody watches. A chain that stands still is well as long as a node says so. */
  fault(): string | undefined {
    const { watch } = this;
    if (watch === undefined || watch.signal.aborted) return undefined;
    if (this.pool.isAllWrong) return 'all its nodes serve another chain';
    const answers = this.pool.endpoints.filter(({ identity }) => identity !== 'wrong').map(({ lastAnswerAtMs }) => lastAnswerAtMs);
    const silentMs = this.clock.now() - Math.max(watch.sinceMs, watch.heads.lastToldAtMs, ...answers);
    if (silentMs > Math.max(SILENT_MS, SILENT_BLOCKS * watch.heads.paceMs))
      return `no node of it has answered for ${String(Math.round(silentMs / 1000))} s`;
    return this.quorumFault;
  }

  override verify(): Promise<void> {
    return this.pool.verify();
  }

  override async head(): Promise<BlockHeader> {
    const trusted = this.pool.endpoints.filter((endpoint) => endpoint.isTrusted);
    try {
      return await this.bestHead(trusted);
    } catch (error) {
      if (trusted.length === this.pool.endpoints.length) throw error;
      return this.bestHead(this.pool.endpoints);
    }
  }

  private async bestHead(endpoints: readonly RpcEndpoint[]): Promise<BlockHeader> {
    const heads: BlockHeader[] = [];
    const asked = endpoints.map(async (endpoint) => {
      heads.push(await this.headOf(endpoint));
    });
    const all = Promise.allSettled(asked);
    // All endpoints, since the quickest may be behind; but not for long, since the slowest may be down.
    await Promise.any(asked).catch((error: unknown) => {
      throw new ChainUnavailable('No node tells its head.', { cause: error, context: { chainId: this.chainId } });
    });
    await within(HEAD_GRACE_MS, 'the other heads', all).catch(() => undefined);
    return heads.reduce((best, head) => (head.number > best.number ? head : best));
  }

  override blockByHash(hash: Hex): Promise<BlockHeader | undefined> {
    const matches = (block: BlockHeader): boolean => block.hash === hash;
    return this.block({ method: 'eth_getBlockByHash', params: [hash, false], parse: (answer) => known(answer, matches) });
  }

  override blockByNumber(number: number): Promise<BlockHeader | undefined> {
    const matches = (block: BlockHeader): boolean => block.number === number;
    return this.block({
      method: 'eth_getBlockByNumber',
      params: [`0x${number.toString(16)}`, false],
      parse: (answer) => known(answer, matches),
    });
  }

  override async tagged(tag: 'safe' | 'finalized'): Promise<BlockRef | undefined> {
    try {
      const question = { method: 'eth_getBlockByNumber', params: [tag, false], parse: (answer: unknown) => known(answer, () => true) };
      const isStrict = this.settings.quorum?.finalized === true;
      const block = isStrict || tag === 'finalized' ? await agreedTag(this.pool, question, isStrict) : await this.block(question);
      if (block === undefined) return undefined;
      if (tag === 'finalized') this.fetcher.finalizedAt(block.number);
      return { number: block.number, hash: block.hash };
    } catch (error) {
      // Chains without the tag answer with an error of their own making, not with null.
      if (error instanceof RpcFailed && error.kind === 'rpc') return undefined;
      throw error;
    }
  }

  override async logs(block: BlockHeader, filter: LogFilter): Promise<readonly ChainLog[]> {
    const source = this.sources.of(block.hash);
    const verdict = await this.fetcher.mayHaveLogs(block, this.bloomVerdict(filter), source);
    if (verdict === 'excluded') return [];
    return this.fetcher.logs(block, filter, { prefer: source?.endpoint, isEmptySuspicious: verdict === 'possible' });
  }

  override async payments(block: BlockHeader, isWatched: (address: Hex) => boolean): Promise<readonly ChainPayment[]> {
    return this.payer.payments(block, isWatched, this.sources.of(block.hash)?.endpoint);
  }

  override agreedLogs(from: number, to: number, filter: LogFilter): Promise<readonly ChainLog[]> {
    return this.fetcher.agreedRange(from, to, filter);
  }

  override doubt({ hash }: BlockRef): void {
    this.sources.of(hash)?.endpoint.doubt();
  }

  override hasLeft(ours: BlockRef): Promise<boolean> {
    return new SecondOpinion(this.pool).hasLeft(ours);
  }

  override watchHeads(listener: HeadListener, signal: AbortSignal): void {
    const { chainId, pollMs, wsUrls } = this.settings;
    const heads = new HeadWatch(
      {
        chainId,
        pollMs,
        polled: this.pool.endpoints.map((endpoint) => ({ name: endpoint.name, head: () => this.headOf(endpoint) })),
        sockets: wsUrls.map((url, index) => ({ url, chainId, name: `${String(chainId)}-ws${String(index)}` })),
        isHeard: (name) => this.isHeard(name),
      },
      (head, receivedAtMs, name) => {
        const twin = this.twins.get(name);
        if (twin !== undefined) this.sources.told(head, twin);
        listener(head, receivedAtMs);
      },
      this.clock,
      this.metrics.heads,
    );
    this.watch = { heads, sinceMs: this.clock.now(), signal };
    void heads.run(signal);
  }

  override watchPending(filter: LogFilter, listener: PendingListener, signal: AbortSignal): void {
    const { chainId, wsUrls, preconfirmations } = this.settings;
    if (preconfirmations === undefined) return;
    const isPushed = preconfirmations.source === 'pendingLogs';
    const sockets = isPushed ? wsUrls.map((url, index) => ({ url, chainId, name: `${String(chainId)}-pending${String(index)}` })) : [];
    const sources = { sockets, ...(isPushed ? {} : { ask: () => this.pendingLogs(filter) }) };
    void new PendingWatch(sources, filter, this.clock, this.metrics.heads).run(listener, signal);
  }

  private async pendingLogs({ addresses, topics }: LogFilter): Promise<readonly ChainLog[]> {
    const { value } = await this.pool.ask({
      method: 'eth_getLogs',
      params: [{ fromBlock: 'pending', toBlock: 'pending', address: addresses, topics: [topics] }],
      parse: promised,
    });
    return value;
  }

  private async headOf(endpoint: RpcEndpoint): Promise<BlockHeader> {
    const head = await this.pool.askOne(endpoint, {
      method: 'eth_getBlockByNumber',
      params: ['latest', false],
      parse: (answer) => known(answer, () => true),
      timeoutMs: HEAD_TIMEOUT_MS,
    });
    // What does not follow from blocks that were told may be another chain: believed only of a node that has just said which it serves.
    if (this.sources.of(head.parentHash) === undefined && this.sources.of(head.hash) === undefined) await this.pool.confirm(endpoint);
    endpoint.headNumber = head.number;
    this.sources.told(head, endpoint);
    this.metrics.rpc.headLag(endpoint.name, Math.max(0, this.pool.newest - head.number));
    return head;
  }

  /** An endpoint that is doubted is not listened to, unless there is nobody else. */
  private isHeard(name: string): boolean {
    const { endpoints } = this.pool;
    const endpoint = this.twins.get(name) ?? endpoints.find((known) => known.name === name);
    return endpoint?.isTrusted !== false || !endpoints.some((other) => this.isWell(other));
  }

  private isWell({ isTrusted, circuit, identity, lastAnswerAtMs }: RpcEndpoint): boolean {
    return isTrusted && identity !== 'wrong' && !circuit.isOpen && this.clock.now() - lastAnswerAtMs < SILENT_MS;
  }

  private async block(question: RpcQuestion<BlockHeader>): Promise<BlockHeader | undefined> {
    try {
      const { value, endpoint } = await this.pool.ask(question);
      this.sources.told(value, endpoint);
      return value;
    } catch (error) {
      if (error instanceof RpcFailed && error.kind === 'unknown') return undefined;
      throw error;
    }
  }

  /** The bits of a filter are computed once: there is one filter per chain. */
  private bloomVerdict(filter: LogFilter): (bloom: Hex) => BloomVerdict {
    if (this.oracle?.filter !== filter) this.oracle = { filter, verdict: bloomOracle(filter) };
    return this.oracle.verdict;
  }
}

function promised(answer: unknown): readonly ChainLog[] {
  const logs = parsePendingLogs(answer);
  if (logs === undefined || !Array.isArray(answer)) throw new RpcFailed('malformed', 'the node answered with something else than logs');
  return logs;
}

/** A block that this node has and that is the one asked for. */
function known(answer: unknown, matches: (block: BlockHeader) => boolean): BlockHeader {
  const block = parseBlock(answer);
  if (block === undefined) throw new RpcFailed('unknown', 'the node has no such block');
  if (!matches(block)) throw new RpcFailed('malformed', 'the node answered with another block');
  return block;
}
