import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { Clock, LeaderLock, Lease, TipLedger } from '@droppio/tips';

export interface LeaseTimes {
  /** How long the database keeps the lease without a renewal. */
  readonly ttlMs: number;
  readonly renewEveryMs: number;
  /** How often a standby asks for it. */
  readonly tryEveryMs: number;
}

export const LEASE_TIMES: LeaseTimes = { ttlMs: 5000, renewEveryMs: 1500, tryEveryMs: 400 };
const RETRY_MS = 250;
/** How often a standby looks whether the leader's lock has fallen. */
const LOCK_EVERY_MS = 250;
/** Whoever lost a term leaves the lock to the one who won it: else he would take the chain back for nothing. */
const REST_MS = 1000;

/** One time of leadership: `fence` goes into every commit, `over` aborts as soon as the lease cannot be relied on. */
export interface Term {
  readonly fence: number;
  readonly over: AbortSignal;
}

export interface LeaseParts {
  readonly ledger: TipLedger;
  readonly clock: Clock;
  /** Without it a standby waits for the lease to run out. */
  readonly lock?: LeaderLock | undefined;
}

type Ended = 'stopped' | 'lost';

/**
 * Holds a chain's lease for this process. Safety comes from the fence that the ledger checks; this decides when to stop trying, which is
 * when somebody else has the lease, or when it ran out by our clock, counted from before the last successful renewal was asked for. The lock
 * only makes a standby quicker: when it falls, the leader's process is gone, and the lease is taken before it has run out.
 */
export class LeaseKeeper {
  private readonly logger = new Logger('chain');

  constructor(
    private readonly chainId: number,
    private readonly holder: string,
    private readonly parts: LeaseParts,
    private readonly times: LeaseTimes = LEASE_TIMES,
  ) {}

  /** Waits for the lease, does the work, gives the lease back. Repeats until `signal` aborts; `work` must end soon after its term is over. */
  async run(work: (term: Term) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock } = this.parts;
    while (!signal.aborted) {
      const force = await this.takesLock();
      const askedAtMs = clock.now();
      const lease = await this.ask({ force });
      if (lease === 'taken' || lease === 'unknown') await this.waitTurn(signal);
      // Told to stop while it was asking: nobody would end this term.
      else if (isOver(signal)) await this.release();
      else if ((await this.serve({ lease, askedAtMs, force }, work, signal)) === 'lost') await clock.sleep(REST_MS, signal);
    }
    await this.parts.lock?.give(this.chainId);
  }

  /** Until the lease is worth asking for again: after a while, or as soon as the leader's lock falls. */
  private async waitTurn(signal: AbortSignal): Promise<void> {
    const { clock } = this.parts;
    const untilMs = clock.now() + this.times.tryEveryMs;
    for (let leftMs = this.times.tryEveryMs; leftMs > 0 && !signal.aborted; leftMs = untilMs - clock.now()) {
      await clock.sleep(Math.min(leftMs, LOCK_EVERY_MS), signal);
      if (!isOver(signal) && (await this.takesLock())) return;
    }
  }

  private async takesLock(): Promise<boolean> {
    return (await this.parts.lock?.take(this.chainId)) ?? false;
  }

  private async serve(
    { lease, askedAtMs, force }: { lease: Lease; askedAtMs: number; force: boolean },
    work: (term: Term) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Ended> {
    const term = new AbortController();
    const stop = (): void => {
      term.abort();
    };
    signal.addEventListener('abort', stop, { once: true });
    this.logger.log('lease.taken', { chainId: this.chainId, fence: lease.fence, by: force ? 'lock' : 'lease' });
    const renewing = this.renew(lease, askedAtMs + lease.expiresInMs, term);
    const locking = this.keepLock(term.signal);
    try {
      await work({ fence: lease.fence, over: term.signal });
    } finally {
      term.abort();
      signal.removeEventListener('abort', stop);
      await Promise.all([renewing, locking]);
      await this.release();
      await this.parts.lock?.give(this.chainId);
    }
    return renewing;
  }

  /** So that the next standby is quick, too: whoever led before may have held it until now, and the connection may have been made anew. */
  private async keepLock(over: AbortSignal): Promise<void> {
    while (this.parts.lock !== undefined && !over.aborted) {
      const isHeld = await this.takesLock();
      await this.parts.clock.sleep(isHeld ? this.times.renewEveryMs : LOCK_EVERY_MS, over);
    }
  }

  private async renew(lease: Lease, validUntil: number, term: AbortController): Promise<Ended> {
    const { clock } = this.parts;
    let validUntilMs = validUntil;
    let pauseMs = this.times.renewEveryMs;
    for (;;) {
      await clock.sleep(Math.min(pauseMs, Math.max(0, validUntilMs - clock.now())), term.signal);
      if (term.signal.aborted) return 'stopped';
      const askedAtMs = clock.now();
      const renewed = askedAtMs < validUntilMs ? await this.ask({ deadlineMs: validUntilMs }) : 'unknown';
      if (typeof renewed === 'object' && renewed.fence === lease.fence) {
        validUntilMs = askedAtMs + renewed.expiresInMs;
        pauseMs = this.times.renewEveryMs;
      } else if (renewed !== 'unknown' || clock.now() >= validUntilMs) {
        this.logger.warn('lease.lost', { chainId: this.chainId, fence: lease.fence });
        term.abort();
        return 'lost';
      } else {
        pauseMs = RETRY_MS;
      }
    }
  }

  /** `taken`: somebody else has it. `unknown`: nobody can be asked. */
  private async ask({ deadlineMs = Infinity, force = false }): Promise<Lease | 'taken' | 'unknown'> {
    const { ledger, clock } = this.parts;
    const asked = ledger.acquire(this.chainId, this.holder, this.times.ttlMs, { force }).then(
      (lease) => lease ?? 'taken',
      (error: unknown) => {
        this.logger.warn('lease.failed', { chainId: this.chainId, ...errorFields(error) });
        return 'unknown' as const;
      },
    );
    if (deadlineMs === Infinity) return asked;
    // A database that hangs must not make the lease look alive beyond its time.
    const answered = new AbortController();
    const deadline = clock.sleep(Math.max(0, deadlineMs - clock.now()), answered.signal).then(() => 'unknown' as const);
    return Promise.race([asked, deadline]).finally(() => {
      answered.abort();
    });
  }

  private async release(): Promise<void> {
    await this.parts.ledger.release(this.chainId, this.holder).catch((error: unknown) => {
      this.logger.warn('lease.not-released', { chainId: this.chainId, ...errorFields(error) });
    });
  }
}

/** Apart, since the compiler takes a signal that was not aborted before an await for one that is not aborted after it. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
