import {
  BrokerUnavailable,
  NotFound,
  StorageUnavailable,
  uncovered,
  type BackfillJob,
  type BackfillState,
  type BlockRange,
} from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '@droppio/platform';
import { BackfillRun, JOB_BLOCKS, type BackfillProgress } from './backfill-run.js';

/** A queue and a ledger of which the test says what becomes of each job. */
class World {
  readonly puts: BackfillJob[] = [];
  readonly covered: BlockRange[] = [];
  private readonly states = new Map<number, BackfillState>();
  mostOpen = 0;

  constructor(private readonly work: (job: BackfillJob, nth: number) => BackfillState | BlockRange) {}

  put(job: BackfillJob): Promise<void> {
    this.puts.push(job);
    this.states.set(job.from, { kind: 'open' });
    this.mostOpen = Math.max(this.mostOpen, [...this.states.values()].filter(({ kind }) => kind === 'open').length);
    return Promise.resolve();
  }

  /** Looking at a job also works it. */
  state(job: BackfillJob): Promise<BackfillState> {
    const done = this.work(job, this.puts.filter(({ from }) => from === job.from).length);
    if ('from' in done) this.covered.push(done);
    const state: BackfillState = 'from' in done ? { kind: 'gone' } : done;
    this.states.set(job.from, state);
    return Promise.resolve(state);
  }

  holes(_chainId: number, _filter: string, range: BlockRange): Promise<readonly BlockRange[]> {
    return Promise.resolve(uncovered(range, this.covered));
  }
}

/** Does not wait at all. */
class HastyClock extends SystemClock {
  override sleep(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

const never = new AbortController().signal;

async function run(
  world: World,
  asked: BlockRange,
  over = never,
): Promise<{ readonly last: BackfillProgress; readonly told: readonly BackfillProgress[] }> {
  const told: BackfillProgress[] = [];
  const plan = { chainId: 1, filter: 'jar', asked };
  const last = await new BackfillRun(plan, { ledger: world, queue: world, clock: new HastyClock() }).run(
    (progress) => told.push(progress),
    over,
  );
  return { last, told };
}

describe(BackfillRun.name, () => {
  it('puts a job for each stretch with something uncovered, cut to what was asked, and ends when all is covered', async () => {
    const world = new World((job) => job);
    world.covered.push({ from: JOB_BLOCKS, to: 2 * JOB_BLOCKS - 1 });
    const asked = { from: 5, to: 2 * JOB_BLOCKS + 7 };
    const { last } = await run(world, asked);
    expect(world.puts).toEqual([
      { chainId: 1, filter: 'jar', asked, from: 5, to: JOB_BLOCKS - 1 },
      { chainId: 1, filter: 'jar', asked, from: 2 * JOB_BLOCKS, to: 2 * JOB_BLOCKS + 7 },
    ]);
    expect(last).toEqual({ total: JOB_BLOCKS - 5 + 8, remaining: 0, failed: [] });
  });

  it('puts nothing when nothing is uncovered', async () => {
    const world = new World((job) => job);
    world.covered.push({ from: 0, to: 100 });
    expect((await run(world, { from: 3, to: 50 })).last).toEqual({ total: 0, remaining: 0, failed: [] });
    expect(world.puts).toEqual([]);
  });

  it('keeps only so many jobs open at once, and works through many', async () => {
    const world = new World((job) => job);
    const { told } = await run(world, { from: 0, to: 200 * JOB_BLOCKS - 1 });
    expect(world.puts).toHaveLength(200);
    expect(world.mostOpen).toBe(32);
    const remaining = told.map((progress) => progress.remaining);
    expect(remaining).toEqual([...remaining].sort((a, b) => b - a));
  });

  it('puts a job again that was lost or left a rest', async () => {
    const world = new World((job, nth) => (nth === 1 ? { kind: 'gone' } : { from: job.from, to: nth === 2 ? job.from + 9 : job.to }));
    expect((await run(world, { from: 0, to: 99 })).last.remaining).toBe(0);
    expect(world.puts).toHaveLength(3);
  });

  it('names what failed for good, puts it no more, and finishes the others', async () => {
    const world = new World((job) => (job.from === 0 ? { kind: 'failed', code: 'chain-unavailable' } : job));
    const { last } = await run(world, { from: 0, to: 3 * JOB_BLOCKS - 1 });
    expect(last).toEqual({
      total: 3 * JOB_BLOCKS,
      remaining: JOB_BLOCKS,
      failed: [{ from: 0, to: JOB_BLOCKS - 1, code: 'chain-unavailable' }],
    });
    expect(world.puts.filter(({ from }) => from === 0)).toHaveLength(1);
  });

  it('gives up a job that ends again and again without covering anything', async () => {
    const world = new World(() => ({ kind: 'gone' }));
    const { last } = await run(world, { from: 0, to: 99 });
    expect(last.failed).toEqual([{ from: 0, to: 99, code: 'no-progress' }]);
    expect(world.puts).toHaveLength(5);
  });

  it('waits while queue or ledger are away, says so, and goes on', async () => {
    const world = new World((job) => job);
    let calls = 0;
    const { put, holes } = { put: world.put.bind(world), holes: world.holes.bind(world) };
    world.put = (job) => ((calls += 1) <= 2 ? Promise.reject(new BrokerUnavailable('away')) : put(job));
    world.holes = (...asked) => ((calls += 1) === 5 ? Promise.reject(new StorageUnavailable('away')) : holes(...asked));
    const { last, told } = await run(world, { from: 0, to: 99 });
    expect(last.remaining).toBe(0);
    expect(told.map(({ waitsFor }) => waitsFor)).toContain('broker-unavailable');
  });

  it('does not wait for ever, and not at all for what cannot succeed', async () => {
    const world = new World((job) => job);
    world.put = () => Promise.reject(new BrokerUnavailable('away'));
    await expect(run(world, { from: 0, to: 99 })).rejects.toThrow('away');
    let puts = 0;
    world.put = () => {
      puts += 1;
      return Promise.reject(new NotFound('never'));
    };
    await expect(run(world, { from: 0, to: 99 })).rejects.toThrow('never');
    expect(puts).toBe(1);
  });

  it('ends when it is told to, with what is left', async () => {
    const stopping = new AbortController();
    const world = new World(() => {
      stopping.abort();
      return { kind: 'open' };
    });
    expect((await run(world, { from: 0, to: 99 }, stopping.signal)).last).toMatchObject({ total: 100, remaining: 100 });
  });
});
