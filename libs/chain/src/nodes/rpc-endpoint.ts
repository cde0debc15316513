import type { Clock } from '@droppio/tips';
import * as z from 'zod';
import { Circuit } from './circuit.js';
import { JsonPost, type HttpReply } from './json-post.js';
import { Latency } from './latency.js';
import { RateLimit } from './rate-limit.js';
import { beginningOf, RpcFailed } from './rpc-failure.js';
import type { RpcMetrics } from './rpc-metrics.js';

export interface RpcQuestion<T> {
  readonly method: string;
  readonly params: readonly unknown[];
  /** Throws when the answer cannot be used: that counts as the endpoint's failure. */
  readonly parse: (answer: unknown) => T;
  readonly timeoutMs?: number;
}

export const RPC_TIMEOUT_MS = 5000;
const MAX_RETRY_AFTER_MS = 30_000;
/** How long an endpoint that was outvoted is asked only when nobody better is there. */
const DISTRUST_MS = 60_000;
/** How long one is that told of a head that led nowhere: longer with every such head, since an honest node may have gone back in that moment. */
const DOUBT = { firstMs: 2000, mostMs: 60_000 };
/** Which chain an endpoint serves may change behind its address. */
const IDENTITY_AGE_MS = 60_000;
const FRESH_IDENTITY_MS = 3000;
const LIMITS = { startPerSecond: 50, floorPerSecond: 2, capPerSecond: 5000, maxWaitMs: 1000 };
/** A node on this machine is nobody else's. */
const LOCAL = /^(127\.|localhost$|\[::1\]$)/;
/** JSON-RPC codes and words by which providers say "too many requests" inside a 200. */
const THROTTLED = /rate.?limit|too many requests|request limit|exceeded.*(quota|capacity|compute units)|daily request count/i;

const envelope = z.union([
  z.object({ id: z.unknown(), error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }) }),
  z.object({ id: z.unknown(), result: z.unknown() }),
]);

/** One HTTP endpoint of a node, with what was learned about it. Never retries by itself: the pool knows better places to ask. */
export class RpcEndpoint {
  readonly latency = new Latency();
  readonly circuit: Circuit;
  readonly limit: RateLimit;
  /** Highest block it has told of, for judging its freshness. */
  headNumber = -1;
  /** Which chain it serves: asked before the first use, after an outage and now and then; never used while it is the wrong one. */
  identity: 'unasked' | 'right' | 'wrong' = 'unasked';
  /** Endpoints on one host and port belong to one provider, whose word counts once. */
  readonly provider: string;
  /** When it last gave a usable answer, Unix milliseconds; 0: never. */
  lastAnswerAtMs = 0;
  private identifiedAtMs = 0;
  private distrustedUntilMs = 0;
  private doubtMs = DOUBT.firstMs;
  private readonly client: JsonPost;
  private lastId = 0;

  constructor(
    url: string,
    /** Bounded label for logs and metrics; the address itself may hold a key. */
    readonly name: string,
    private readonly clock: Clock,
    private readonly metrics: RpcMetrics,
  ) {
    this.client = new JsonPost(url);
    this.provider = new URL(url).host;
    const now = (): number => clock.now();
    this.circuit = new Circuit(now);
    this.limit = new RateLimit(now, LOCAL.test(new URL(url).hostname) ? { ...LIMITS, startPerSecond: LIMITS.capPerSecond } : LIMITS);
  }

  get isTrusted(): boolean {
    return this.clock.now() >= this.distrustedUntilMs;
  }

  /** Others agreed on something else than it said. */
  distrust(): void {
    this.distrustedUntilMs = this.clock.now() + DISTRUST_MS;
  }

  /** It told of a head that nobody can follow. */
  doubt(): void {
    const now = this.clock.now();
    if (!this.isTrusted) return;
    this.doubtMs = now - this.distrustedUntilMs > DOUBT.mostMs ? DOUBT.firstMs : Math.min(DOUBT.mostMs, this.doubtMs * 2);
    this.distrustedUntilMs = now + this.doubtMs;
  }

  get isIdentityOld(): boolean {
    return this.clock.now() - this.identifiedAtMs > IDENTITY_AGE_MS;
  }

  /** Just asked: blocks that came since are of that chain. */
  get isIdentityFresh(): boolean {
    return this.clock.now() - this.identifiedAtMs < FRESH_IDENTITY_MS;
  }

  identified(identity: 'right' | 'wrong'): void {
    this.identity = identity;
    this.identifiedAtMs = this.clock.now();
  }

  /** Throws `RpcFailed`; also when `signal` aborts. */
  async ask<T>(question: RpcQuestion<T>, signal?: AbortSignal): Promise<T> {
    const wait = this.limit.take();
    if (wait === undefined) throw new RpcFailed('busy', 'our own limit for this endpoint is reached', { endpoint: this.name });
    if (wait > 0) await this.clock.sleep(wait, signal);
    const began = performance.now();
    try {
      const value = question.parse(await this.send(question, signal));
      this.latency.add(performance.now() - began);
      this.circuit.succeeded();
      this.limit.succeeded();
      this.lastAnswerAtMs = this.clock.now();
      this.observe(question.method, 'ok', began);
      return value;
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const failure = asFailure(error, this.name, question.method);
      this.learn(failure);
      this.observe(question.method, failure.kind, began);
      throw failure;
    }
  }

  private observe(method: string, outcome: string, began: number): void {
    this.metrics.asked({ endpoint: this.name, method, outcome }, (performance.now() - began) / 1000);
  }

  private learn(failure: RpcFailed): void {
    if (failure.kind === 'throttled') this.limit.refused(Math.min(failure.details.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS));
    if (!failure.isEndpointFault) return;
    this.circuit.failed();
    // What comes back after an outage may be another node.
    if (failure.kind === 'network' && this.identity === 'right') this.identity = 'unasked';
  }

  private async send(question: RpcQuestion<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
    this.lastId += 1;
    const id = this.lastId;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: question.method, params: question.params });
    const reply = await this.client.post(body, { timeoutMs: question.timeoutMs ?? RPC_TIMEOUT_MS, signal });
    if (reply.status === 429) throw throttled(reply);
    const parsed = envelope.safeParse(readJson(reply));
    // Some answer with an error status and a proper JSON-RPC error: that says more than the status.
    if (!parsed.success && reply.status !== 200) throw new RpcFailed('http', `status ${String(reply.status)}: ${reply.body.slice(0, 200)}`);
    if (!parsed.success) throw new RpcFailed('malformed', 'the answer is not JSON-RPC');
    if (parsed.data.id !== id) throw new RpcFailed('malformed', 'the answer belongs to another question');
    if ('result' in parsed.data) return parsed.data.result;
    throw rpcError(parsed.data.error.code, parsed.data.error.message, parsed.data.error.data);
  }
}

function rpcError(code: number, message: string, data?: unknown): RpcFailed {
  const text = data === undefined ? message : `${message} ${JSON.stringify(data)}`;
  const kind = code === 429 || THROTTLED.test(beginningOf(message)) ? 'throttled' : 'rpc';
  return new RpcFailed(kind, text, { rpcCode: code });
}

function asFailure(error: unknown, endpoint: string, method: string): RpcFailed {
  const failure =
    error instanceof RpcFailed ? error : new RpcFailed('malformed', error instanceof Error ? error.message : 'unreadable answer');
  return new RpcFailed(failure.kind, failure.text, { ...failure.details, endpoint, method });
}

function readJson({ body }: HttpReply): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function throttled({ retryAfter = '' }: HttpReply): RpcFailed {
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return new RpcFailed('throttled', 'status 429', { retryAfterMs: Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : 0 });
}
