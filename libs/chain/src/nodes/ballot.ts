import { Logger } from '@nestjs/common';
import { ChainUnavailable } from '@droppio/tips';
import type { RpcEndpoint } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { RpcMetrics } from './rpc-metrics.js';
import { hedgeAfter, type Answer, type RpcPool } from './rpc-pool.js';

/** Fewer than two independent providers say the same: nothing may be believed yet. */
export class QuorumMissed extends ChainUnavailable {}

export interface Matter<T> {
  /** For log and readiness, as `the logs of block 7`. */
  readonly what: string;
  /** Asks one provider, at whichever of its endpoints answers. */
  readonly ask: (among: readonly RpcEndpoint[]) => Promise<Answer<T>>;
  /** Equal for equal answers. */
  readonly digest: (value: T) => string;
  readonly prefer?: RpcEndpoint | undefined;
  /** What one of them has said already. */
  readonly given?: Answer<T> | undefined;
  /** What to take when the answers differ and nobody is left to ask; `undefined`: nothing. */
  readonly otherwise?: (values: readonly T[]) => T | undefined;
}

interface Vote<T> extends Answer<T> {
  readonly digest: string;
}

const QUORUM = 2;
/** A block whose fork is gone is never asked for again: its fault must not stay. */
const FAULT_MS = 20_000;

/**
 * Lets independent providers vote: two are asked at once, more only when those differ, fail or are late. Two that say the same decide, and
 * whoever said otherwise loses trust for a while. It never makes do with fewer, however many are down.
 */
export class Ballot {
  private readonly logger = new Logger('chain');
  private newest: { readonly fault: string; readonly atMs: number } | undefined;

  constructor(
    private readonly pool: RpcPool,
    private readonly metrics: RpcMetrics,
  ) {}

  /** Why a vote came to nothing of late and none has come to something since, as a sentence: whoever waits for it asks again every few seconds. */
  get fault(): string | undefined {
    const { newest } = this;
    return newest !== undefined && performance.now() - newest.atMs < FAULT_MS ? newest.fault : undefined;
  }

  /** Throws `QuorumMissed`; `RpcFailed` of kind `unknown` when every provider says that it does not know the block. */
  async decide<T>(matter: Matter<T>): Promise<T> {
    const spoken = matter.given?.endpoint.provider;
    const providers = byProvider(this.pool.order({ prefer: matter.prefer }).filter(({ provider }) => provider !== spoken));
    const [first] = providers[0] ?? [];
    const poll = new Poll(matter, providers);
    const { votes, failures } = await poll.run(first === undefined ? 0 : hedgeAfter(first));
    const winner = votes.find((vote) => votes.filter(({ digest }) => digest === vote.digest).length >= QUORUM);
    if (winner !== undefined) {
      this.newest = undefined;
      for (const vote of votes) if (vote.digest !== winner.digest) this.outvoted(vote, matter.what);
      return winner.value;
    }
    if (votes.length < QUORUM) throw this.missed(matter.what, votes.length, failures);
    return this.unsettled(matter, votes);
  }

  private unsettled<T>({ what, otherwise }: Matter<T>, votes: readonly Vote<T>[]): T {
    for (const { endpoint } of votes) this.metrics.quorumDisagreed(endpoint.name);
    const chosen = otherwise?.(votes.map(({ value }) => value));
    const endpoints = votes.map(({ endpoint }) => endpoint.name).join(' ');
    this.logger.error('quorum.unsettled', { what, endpoints, isTakenAnyway: chosen !== undefined });
    if (chosen !== undefined) return chosen;
    this.failed(`its providers disagree on ${what} and no two of them agree`);
    throw new QuorumMissed(`The providers disagree on ${what}.`, { context: { endpoints } });
  }

  private missed(what: string, answered: number, failures: readonly unknown[]): unknown {
    const isUnknown = answered === 0 && failures.every((failure) => failure instanceof RpcFailed && failure.kind === 'unknown');
    if (isUnknown && failures.length > 0) return failures[0];
    this.failed(`${String(answered)} of its providers answered for ${what}, and ${String(QUORUM)} must agree`);
    return new QuorumMissed(`Fewer than ${String(QUORUM)} providers answered for ${what}.`, { cause: failures[0], context: { answered } });
  }

  private failed(fault: string): void {
    this.newest = { fault, atMs: performance.now() };
  }

  private outvoted(vote: Vote<unknown>, what: string): void {
    vote.endpoint.distrust();
    this.metrics.quorumDisagreed(vote.endpoint.name);
    this.logger.error('quorum.outvoted', { endpoint: vote.endpoint.name, what });
  }
}

/** Best first, each with its endpoints. Several endpoints on one host are one voice. */
export function byProvider(endpoints: readonly RpcEndpoint[]): readonly (readonly RpcEndpoint[])[] {
  const providers = new Map<string, RpcEndpoint[]>();
  for (const endpoint of endpoints) providers.set(endpoint.provider, [...(providers.get(endpoint.provider) ?? []), endpoint]);
  return [...providers.values()];
}

/** One matter before the providers: asks as many as it takes, and ends when two agree or all have spoken. */
class Poll<T> {
  private readonly votes: Vote<T>[];
  private readonly failures: unknown[] = [];
  private running = 0;
  private next = 0;
  private done: () => void = () => undefined;

  constructor(
    private readonly matter: Matter<T>,
    private readonly providers: readonly (readonly RpcEndpoint[])[],
  ) {
    const { given, digest } = matter;
    this.votes = given === undefined ? [] : [{ ...given, digest: digest(given.value) }];
  }

  async run(hedgeMs: number): Promise<{ readonly votes: readonly Vote<T>[]; readonly failures: readonly unknown[] }> {
    const ended = new Promise<void>((resolve) => {
      this.done = resolve;
    });
    for (let n = this.votes.length; n < QUORUM; n += 1) this.askNext();
    const timer = setTimeout(() => {
      this.askNext();
    }, hedgeMs);
    await ended;
    clearTimeout(timer);
    return { votes: [...this.votes], failures: [...this.failures] };
  }

  private askNext(): void {
    const provider = this.providers[this.next];
    if (provider === undefined) {
      if (this.running === 0) this.done();
      return;
    }
    this.next += 1;
    this.running += 1;
    this.matter.ask(provider).then(
      (answer) => {
        this.running -= 1;
        this.count(answer);
      },
      (error: unknown) => {
        this.running -= 1;
        this.failures.push(error);
        this.askNext();
      },
    );
  }

  private count(answer: Answer<T>): void {
    const digest = this.matter.digest(answer.value);
    const isAgreed = this.votes.some((vote) => vote.digest === digest);
    const isContested = this.votes.length > 0 && !isAgreed;
    this.votes.push({ ...answer, digest });
    if (isAgreed) this.done();
    else if (isContested || this.running === 0) this.askNext();
  }
}
