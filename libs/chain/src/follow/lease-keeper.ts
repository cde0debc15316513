import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { Clock, Lease, TipLedger } from '@droppio/tips';

export interface LeaseTimes {
  /** How long the database keeps the lease without a renewal. */
  readonly ttlMs: number;
  readonly renewEveryMs: number;
  /** How often a standby asks for it. */
  readonly tryEveryMs: number;
}

export const LEASE_TIMES: LeaseTimes = { ttlMs: 5000, renewEveryMs: 1500, tryEveryMs: 750 };
const RETRY_MS = 250;

/** One time of leadership: `fence` goes into every commit, `over` aborts as soon as the lease cannot be relied on. */
export interface Term {
  readonly fence: number;
  readonly over: AbortSignal;
}

/**
 * Holds a chain's lease for this process. Safety comes from the fence that the ledger checks; this decides when to stop trying, which is
 * when the lease ran out by our clock, counted from before the last successful renewal was asked for.
 */
export class LeaseKeeper {
  private readonly logger = new Logger('chain');

  constructor(
    private readonly chainId: number,
    private readonly holder: string,
    private readonly ledger: TipLedger,
    private readonly clock: Clock,
    private readonly times: LeaseTimes = LEASE_TIMES,
  ) {}

  /** Waits for the lease, does the work, gives the lease back. Repeats until `signal` aborts; `work` must end soon after its term is over. */
  async run(work: (term: Term) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const askedAtMs = this.clock.now();
      const lease = await this.ask();
      if (lease === undefined) await this.clock.sleep(this.times.tryEveryMs, signal);
      // Told to stop while it was asking: nobody would end this term.
      else if (isOver(signal)) await this.release();
      else await this.serve(lease, askedAtMs, work, signal);
    }
  }

  private async serve(lease: Lease, askedAtMs: number, work: (term: Term) => Promise<void>, signal: AbortSignal): Promise<void> {
    const term = new AbortController();
    const stop = (): void => {
      term.abort();
    };
    signal.addEventListener('abort', stop, { once: true });
    this.logger.log('lease.taken', { chainId: this.chainId, fence: lease.fence });
    const renewing = this.renew(lease, askedAtMs + lease.expiresInMs, term);
    try {
      await work({ fence: lease.fence, over: term.signal });
    } finally {
      term.abort();
      signal.removeEventListener('abort', stop);
      await renewing;
      await this.release();
    }
  }

  private async renew(lease: Lease, validUntil: number, term: AbortController): Promise<void> {
    let validUntilMs = validUntil;
    let pauseMs = this.times.renewEveryMs;
    for (;;) {
      await this.clock.sleep(Math.min(pauseMs, Math.max(0, validUntilMs - this.clock.now())), term.signal);
      if (term.signal.aborted) return;
      const askedAtMs = this.clock.now();
      const renewed = askedAtMs < validUntilMs ? await this.ask(validUntilMs) : undefined;
      if (renewed?.fence === lease.fence) {
        validUntilMs = askedAtMs + renewed.expiresInMs;
        pauseMs = this.times.renewEveryMs;
      } else if (renewed !== undefined || this.clock.now() >= validUntilMs) {
        this.logger.warn('lease.lost', { chainId: this.chainId, fence: lease.fence });
        term.abort();
        return;
      } else {
        pauseMs = RETRY_MS;
      }
    }
  }

  /** `undefined`: somebody else has it, or nobody can be asked. */
  private async ask(deadlineMs = Infinity): Promise<Lease | undefined> {
    const asked = this.ledger.acquire(this.chainId, this.holder, this.times.ttlMs).catch((error: unknown) => {
      this.logger.warn('lease.failed', { chainId: this.chainId, ...errorFields(error) });
      return undefined;
    });
    if (deadlineMs === Infinity) return asked;
    // A database that hangs must not make the lease look alive beyond its time.
    const answered = new AbortController();
    const deadline = this.clock.sleep(Math.max(0, deadlineMs - this.clock.now()), answered.signal).then(() => undefined);
    return Promise.race([asked, deadline]).finally(() => {
      answered.abort();
    });
  }

  private async release(): Promise<void> {
    await this.ledger.release(this.chainId, this.holder).catch((error: unknown) => {
      this.logger.warn('lease.not-released', { chainId: this.chainId, ...errorFields(error) });
    });
  }
}

/** Apart, since the compiler takes a signal that was not aborted before an await for one that is not aborted after it. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
