import { Logger } from '@nestjs/common';
import { ChainUnavailable, within, WrongChain, type Hex } from '@droppio/tips';
import { parseBlock, parseQuantity } from './rpc-answer.js';
import { RPC_TIMEOUT_MS, type RpcEndpoint, type RpcQuestion } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';

export interface Answer<T> {
  readonly value: T;
  readonly endpoint: RpcEndpoint;
}

export interface AskOptions {
  /** Asked first when it is well: the endpoint that told of the block in question. */
  readonly prefer?: RpcEndpoint | undefined;
  readonly except?: readonly RpcEndpoint[];
  /** Nobody else is asked. */
  readonly only?: readonly RpcEndpoint[] | undefined;
}

/** Blocks that an endpoint may be behind before others are preferred. */
const TOLERATED_LAG = 1;
/** A faster endpoint is only preferred when it is faster by this much: order must not flap with noise. */
const HURDLE = 0.8;
const IDENTITY_GRACE_MS = 1000;
const HEDGE = { leastMs: 50, mostMs: 2000, presetMs: 1000 };

/**
 * The endpoints of one chain. A question goes to the best of them; to the next at once when that fails, and also when it takes longer than
 * it nearly always does. The first usable answer wins, the other request is cancelled.
 */
export class RpcPool {
  private readonly logger = new Logger('chain');
  private genesis: Hex | undefined;
  private wasRight = false;
  private readonly identifying = new Map<RpcEndpoint, Promise<void>>();

  constructor(
    private readonly chainId: number,
    readonly endpoints: readonly RpcEndpoint[],
  ) {}

  get isAllWrong(): boolean {
    return this.endpoints.every(({ identity }) => identity === 'wrong');
  }

  /** Highest head that an endpoint tells whom there is no reason to doubt. */
  get newest(): number {
    return Math.max(...this.endpoints.filter((endpoint) => endpoint.isTrusted).map((endpoint) => endpoint.headNumber));
  }

  /** Throws `ChainUnavailable` when no endpoint answered, `WrongChain` when all serve another chain and always did. */
  async ask<T>(question: RpcQuestion<T>, options: AskOptions = {}): Promise<Answer<T>> {
    const order = this.order(options);
    const first = order[0];
    if (first === undefined) throw this.isAllWrong ? this.nobody() : nobodyElse();
    const race = new Race<T>(order, (endpoint, signal) => this.askOne(endpoint, question, signal));
    return race.run(hedgeAfter(first));
  }

  /** Asks one endpoint, checking first that it serves this chain. */
  async askOne<T>(endpoint: RpcEndpoint, question: RpcQuestion<T>, signal?: AbortSignal): Promise<T> {
    if (endpoint.identity === 'unasked') await this.identify(endpoint);
    // In the background: no block waits for it. An endpoint that does not answer is judged by that alone.
    else if (endpoint.isIdentityOld) this.identify(endpoint).catch(() => undefined);
    if (endpoint.identity === 'wrong') throw new RpcFailed('malformed', 'it serves another chain', { endpoint: endpoint.name });
    return endpoint.ask(question, signal);
  }

  /** Makes sure that an endpoint still serves this chain. Throws `RpcFailed` when it does not, or does not say. */
  async confirm(endpoint: RpcEndpoint): Promise<void> {
    if (!endpoint.isIdentityFresh) await this.identify(endpoint);
    if (endpoint.identity === 'wrong') throw new RpcFailed('malformed', 'it serves another chain', { endpoint: endpoint.name });
  }

  /** Asks every endpoint for its identity. Throws `WrongChain` when none is left, `ChainUnavailable` when none answered. */
  async verify(): Promise<void> {
    if (this.endpoints.some((endpoint) => endpoint.identity === 'right')) return;
    // The first right one is enough: the others are asked before they are used.
    const right = this.endpoints.map(async (endpoint) => {
      if (endpoint.identity === 'unasked') await this.identify(endpoint);
      if (endpoint.identity !== 'right') throw this.nobody();
    });
    await Promise.any(right).catch((error: unknown) => {
      if (this.isAllWrong) throw this.nobody();
      throw new ChainUnavailable('No node of this chain answers.', { cause: error, context: { chainId: this.chainId } });
    });
  }

  /** Best first. Endpoints with an open circuit come last, soonest first: when all are down, somebody must still be tried. */
  order({ prefer, except = [], only = this.endpoints }: AskOptions = {}): readonly RpcEndpoint[] {
    const usable = only.filter((endpoint) => endpoint.identity !== 'wrong' && !except.includes(endpoint));
    const { newest } = this;
    const isFresh = (endpoint: RpcEndpoint): boolean => newest - endpoint.headNumber <= TOLERATED_LAG;
    const rank = (endpoint: RpcEndpoint): number => {
      if (endpoint.circuit.isOpen) return 4;
      if (!endpoint.isTrusted) return 3;
      if (endpoint === prefer) return 0;
      return isFresh(endpoint) ? 1 : 2;
    };
    return [...usable].sort((a, b) => {
      if (rank(a) !== rank(b)) return rank(a) - rank(b);
      if (rank(a) === 4) return a.circuit.retryAtMs - b.circuit.retryAtMs;
      if (a.latency.median < b.latency.median * HURDLE) return -1;
      return b.latency.median < a.latency.median * HURDLE ? 1 : this.endpoints.indexOf(a) - this.endpoints.indexOf(b);
    });
  }

  /** Asks an endpoint which chain it serves, also when that was known. Once at a time; one that did not answer is asked again with the next question. */
  identify(endpoint: RpcEndpoint): Promise<void> {
    const known = this.identifying.get(endpoint);
    if (known !== undefined) return known;
    const asking = this.askIdentity(endpoint).finally(() => this.identifying.delete(endpoint));
    this.identifying.set(endpoint, asking);
    return asking;
  }

  private async askIdentity(endpoint: RpcEndpoint): Promise<void> {
    const [chainId, genesis] = await Promise.all([
      endpoint.ask({ method: 'eth_chainId', params: [], parse: parseQuantity }),
      // Nodes that prune answer null; a provider that refuses block 0 is not worse for it.
      endpoint.ask({ method: 'eth_getBlockByNumber', params: ['0x0', false], parse: parseBlock }).catch(() => undefined),
    ]);
    // Two chains may share an id: the endpoint that is listed first says which one is meant, so the later ones wait for it a little.
    const earlier = this.endpoints.slice(0, this.endpoints.indexOf(endpoint));
    const unknown = earlier.filter((other) => other.identity === 'unasked');
    await within(IDENTITY_GRACE_MS, 'earlier nodes', Promise.allSettled(unknown.map((other) => this.identify(other)))).catch(
      () => undefined,
    );
    const meant = chainId === this.chainId ? (this.genesis ??= genesis?.hash) : undefined;
    const isRight = chainId === this.chainId && (genesis === undefined || genesis.hash === meant);
    const before = endpoint.identity;
    endpoint.identified(isRight ? 'right' : 'wrong');
    this.wasRight ||= isRight;
    if (before === endpoint.identity) return;
    if (!isRight) this.logger.error('rpc.wrong-chain', { endpoint: endpoint.name, chainId: this.chainId, served: chainId });
    else if (before === 'wrong') this.logger.log('rpc.right-chain-again', { endpoint: endpoint.name, chainId: this.chainId });
  }

  private nobody(): ChainUnavailable | WrongChain {
    const context = { chainId: this.chainId };
    // One of them was right before, so settings are, and one may be right again.
    if (this.wasRight) return new ChainUnavailable('All nodes have begun to serve another chain.', { context });
    return new WrongChain(`No configured node serves chain ${String(this.chainId)}: all of them serve another one.`, {
      context,
    });
  }
}

function nobodyElse(): RpcFailed {
  return new RpcFailed('busy', 'no other node is left to ask');
}

/** When the next one is asked, too: after what it nearly always takes. */
export function hedgeAfter(endpoint: RpcEndpoint): number {
  return Math.min(HEDGE.mostMs, Math.max(HEDGE.leastMs, endpoint.latency.quantile(0.95) ?? HEDGE.presetMs));
}

/** One question to several endpoints, one after the other or overlapping; settles once. */
class Race<T> {
  private readonly failures: unknown[] = [];
  private readonly abort = new AbortController();
  private running = 0;
  private next = 0;

  constructor(
    private readonly order: readonly RpcEndpoint[],
    private readonly ask: (endpoint: RpcEndpoint, signal: AbortSignal) => Promise<T>,
  ) {}

  async run(hedgeMs: number): Promise<Answer<T>> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answer = new Promise<Answer<T>>((resolve, reject) => {
      this.start(resolve, reject);
      timer = setTimeout(() => {
        this.start(resolve, reject);
      }, hedgeMs);
    });
    try {
      // Every endpoint may use up its own deadline, one after the other; never more.
      return await within((RPC_TIMEOUT_MS + 1500) * this.order.length, 'asking the nodes', answer);
    } finally {
      clearTimeout(timer);
      this.abort.abort();
    }
  }

  private start(resolve: (answer: Answer<T>) => void, reject: (error: unknown) => void): void {
    const endpoint = this.order[this.next];
    if (endpoint === undefined) {
      if (this.running === 0) reject(this.verdict());
      return;
    }
    this.next += 1;
    this.running += 1;
    this.ask(endpoint, this.abort.signal).then(
      (value) => {
        resolve({ value, endpoint });
      },
      (error: unknown) => {
        this.running -= 1;
        this.failures.push(error);
        this.start(resolve, reject);
      },
    );
  }

  /** "Unknown" only when all say so: one that could not be reached might have known. */
  private verdict(): unknown {
    const unknown = this.failures.every((failure) => failure instanceof RpcFailed && failure.kind === 'unknown');
    const telling = this.failures.find((failure) => !(failure instanceof RpcFailed && failure.kind === 'unknown'));
    return unknown ? this.failures[0] : telling;
  }
}
