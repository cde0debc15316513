import {
  backoffMs,
  blocksIn,
  isRetryable,
  uncovered,
  type BackfillJob,
  type BackfillQueue,
  type BlockRange,
  type Clock,
  type TipLedger,
} from '@droppio/tips';

export interface BackfillRunParts {
  readonly ledger: Pick<TipLedger, 'holes'>;
  readonly queue: Pick<BackfillQueue, 'put' | 'state'>;
  readonly clock: Clock;
}

export interface BackfillPlan {
  readonly chainId: number;
  readonly filter: string;
  readonly asked: BlockRange;
}

export interface FailedJob extends BlockRange {
  readonly code: string;
}

export interface BackfillProgress {
  /** Blocks that were uncovered when it began. */
  readonly total: number;
  readonly remaining: number;
  readonly failed: readonly FailedJob[];
  /** Why nothing goes on at the moment: code of the newest fault of the queue or the ledger. */
  readonly waitsFor?: string;
}

/** Blocks of one job. Jobs begin at its multiples, so that two commands with other ends mean the same jobs. */
export const JOB_BLOCKS = 10_000;
/** Jobs that are open at once: enough for many processes, few enough to be forgotten without harm. */
const AHEAD = 32;
const POLL_MS = 1000;
/** Rounds of a job that bring nothing before it is taken for failed. */
const PATIENCE = 5;
const RETRY = { baseMs: 500, capMs: 10_000 };
/** Faults of queue or ledger in a row, some minutes in all. */
const MOST_FAULTS = 40;

interface OpenJob {
  readonly job: BackfillJob;
}

/**
 * Sees a backfill through: puts jobs for what is uncovered, a few ahead, until all of it is covered or has failed for good. Everything that
 * matters is in the ledger, so it may be killed at any time and started again, also several times at once; a lost job is put again.
 */
export class BackfillRun {
  private readonly open = new Map<number, OpenJob>();
  private readonly failed = new Map<number, FailedJob>();
  /** Uncovered blocks of a cell when its job was last put, and how often since then nothing came of it. */
  private readonly rounds = new Map<number, { readonly left: number; readonly vain: number }>();
  private total: number | undefined;

  constructor(
    private readonly plan: BackfillPlan,
    private readonly parts: BackfillRunParts,
  ) {}

  /** Resolves when nothing is left to do, or soon after the signal. Throws what the ledger or the queue throws for too long. */
  async run(tell: (progress: BackfillProgress) => void, over: AbortSignal): Promise<BackfillProgress> {
    const { clock } = this.parts;
    let progress: BackfillProgress = { total: 0, remaining: 0, failed: [] };
    for (let faults = 0; !over.aborted;) {
      try {
        const holes = await this.step();
        progress = this.progress(holes);
        tell(progress);
        faults = 0;
        if (this.open.size === 0) return progress;
        await clock.sleep(POLL_MS, over);
      } catch (error) {
        faults += 1;
        if (!isRetryable(error) || faults >= MOST_FAULTS) throw error;
        progress = { ...progress, waitsFor: error instanceof Error && 'code' in error ? String(error.code) : 'unknown' };
        tell(progress);
        await clock.sleep(backoffMs(faults, RETRY), over);
      }
    }
    return progress;
  }

  /** One round; gives what is uncovered. */
  private async step(): Promise<readonly BlockRange[]> {
    // First the jobs, then the holes: what a job that has ended did is covered by then.
    await this.lookAtJobs();
    const { chainId, filter, asked } = this.plan;
    const holes = await this.parts.ledger.holes(chainId, filter, asked);
    this.total ??= blocksIn(holes);
    for (const cell of cellsOf(holes)) {
      if (this.open.size >= AHEAD) break;
      if (!this.open.has(cell) && !this.failed.has(cell)) await this.put(cell, holes);
    }
    return holes;
  }

  private async lookAtJobs(): Promise<void> {
    for (const [cell, { job }] of this.open) {
      const state = await this.parts.queue.state(job);
      if (state.kind === 'open') continue;
      this.open.delete(cell);
      if (state.kind === 'failed') this.failed.set(cell, { from: job.from, to: job.to, code: state.code });
    }
  }

  private async put(cell: number, holes: readonly BlockRange[]): Promise<void> {
    const { asked } = this.plan;
    const range = { from: Math.max(asked.from, cell * JOB_BLOCKS), to: Math.min(asked.to, (cell + 1) * JOB_BLOCKS - 1) };
    const left = blocksIn([range]) - blocksIn(uncovered(range, holes));
    const before = this.rounds.get(cell);
    const vain = before !== undefined && left >= before.left ? before.vain + 1 : 0;
    if (vain >= PATIENCE) {
      this.failed.set(cell, { ...range, code: 'no-progress' });
      return;
    }
    const job: BackfillJob = { ...this.plan, ...range };
    await this.parts.queue.put(job);
    this.rounds.set(cell, { left, vain });
    this.open.set(cell, { job });
  }

  private progress(holes: readonly BlockRange[]): BackfillProgress {
    return { total: this.total ?? 0, remaining: blocksIn(holes), failed: [...this.failed.values()] };
  }
}

function* cellsOf(holes: readonly BlockRange[]): Generator<number> {
  let last = -1;
  for (const { from, to } of holes) {
    for (let cell = Math.max(last + 1, Math.floor(from / JOB_BLOCKS)); cell * JOB_BLOCKS <= to; cell += 1) {
      yield cell;
      last = cell;
    }
  }
}
