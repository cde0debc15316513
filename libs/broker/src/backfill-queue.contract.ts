import { afterEach, describe, expect, it } from 'vitest';
import { Logger } from '@nestjs/common';
import { BrokerUnavailable, NotFound, NotOurJob, type BackfillJob, type BackfillQueue } from '@droppio/tips';
import type { BackfillQueueSettings } from './backfill-job.js';
import { eventually } from './testing/eventually.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

/** Makes queues on one store of its own; `close` ends everything that was made. */
export interface BackfillHouse {
  open(settings?: Partial<BackfillQueueSettings>): BackfillQueue;
  close(): Promise<void>;
}

const FAST = { backoff: { baseMs: 5, capMs: 20 } };

/** The promises of `BackfillQueue`, for every implementation. */
export function describeBackfillQueue(title: string, makeHouse: () => BackfillHouse): void {
  describe(title, () => {
    let house: BackfillHouse | undefined;
    let from = 0;
    const open = (settings?: Partial<BackfillQueueSettings>): BackfillQueue => (house ??= makeHouse()).open(settings);
    afterEach(async () => {
      await house?.close();
      house = undefined;
    });

    const aJob = (fields: Partial<BackfillJob> = {}): BackfillJob => {
      from += 10;
      return { chainId: 8453, filter: 'jar-1', from, to: from + 9, asked: { from: 0, to: 1000 }, ...fields };
    };

    it('works what was put before and after the worker came, in full', async () => {
      const queue = open();
      const done: BackfillJob[] = [];
      const [before, after] = [aJob(), aJob()];
      await queue.put(before);
      await queue.work((job) => Promise.resolve(void done.push(job)));
      await queue.put(after);
      await eventually(() => {
        expect(done).toHaveLength(2);
      });
      expect(done).toEqual(expect.arrayContaining([before, after]));
    });

    it('makes one job of many for the same first block while it waits and while it runs, and another of another chain or filter', async () => {
      const queue = open();
      const job = aJob();
      await Promise.all(Array.from({ length: 10 }, () => queue.put(job)));
      const others = [{ ...job, filter: 'jar-2' }, { ...job, chainId: 1 }, aJob()];
      for (const other of others) await queue.put(other);
      const done: BackfillJob[] = [];
      await queue.work(async (taken) => {
        await queue.put(taken);
        done.push(taken);
      });
      await eventually(() => {
        expect(done).toHaveLength(4);
      });
      expect(done).toEqual(expect.arrayContaining([job, ...others]));
      await eventually(async () => {
        expect((await queue.state(job)).kind).toBe('gone');
      });
      expect(done).toHaveLength(4);
    });

    it('tells whether a job is open or gone, and runs a done one again', async () => {
      const queue = open();
      const job = aJob();
      expect(await queue.state(job)).toEqual({ kind: 'gone' });
      await queue.put(job);
      expect(await queue.state(job)).toEqual({ kind: 'open' });
      let runs = 0;
      await queue.work(() => Promise.resolve(void (runs += 1)));
      for (let expected = 1; expected <= 3; expected += 1) {
        await eventually(async () => {
          expect([runs, await queue.state(job)]).toEqual([expected, { kind: 'gone' }]);
        });
        await queue.put(job);
      }
    });

    it('tries a failed job again, after a pause, until it succeeds', async () => {
      const queue = open(FAST);
      const job = aJob();
      const states: string[] = [];
      let runs = 0;
      await queue.work(async () => {
        runs += 1;
        states.push((await queue.state(job)).kind);
        if (runs < 4) throw new BrokerUnavailable('away');
      });
      await queue.put(job);
      await eventually(async () => {
        expect([runs, await queue.state(job)]).toEqual([4, { kind: 'gone' }]);
      });
      expect(states).toEqual(['open', 'open', 'open', 'open']);
    });

    it('gives up after so many attempts, names the error, and tries anew when it is put again', async () => {
      const queue = open({ ...FAST, attempts: 2 });
      const job = aJob();
      let runs = 0;
      await queue.work(() => {
        runs += 1;
        return Promise.reject(new BrokerUnavailable('away'));
      });
      await queue.put(job);
      await eventually(async () => {
        expect([runs, await queue.state(job)]).toEqual([2, { kind: 'failed', code: 'broker-unavailable' }]);
      });
      await queue.put(job);
      await eventually(async () => {
        expect([runs, (await queue.state(job)).kind]).toEqual([4, 'failed']);
      });
    });

    it('does not repeat what cannot succeed, and goes on with the others', async () => {
      const queue = open(FAST);
      const [hopeless, next] = [aJob(), aJob()];
      const done: number[] = [];
      await queue.work((job) => {
        done.push(job.from);
        return job.from === hopeless.from ? Promise.reject(new NotFound('none')) : Promise.resolve();
      });
      await queue.put(hopeless);
      await queue.put(next);
      await eventually(async () => {
        expect([await queue.state(hopeless), await queue.state(next)]).toEqual([{ kind: 'failed', code: 'not-found' }, { kind: 'gone' }]);
      });
      expect(done).toEqual([hopeless.from, next.from]);
    });

    it('keeps what its worker has no use for, and counts no try', async () => {
      const queue = open({ ...FAST, attempts: 2, returnMs: 5 });
      const job = aJob();
      let runs = 0;
      await queue.work(() => {
        runs += 1;
        return runs < 6 ? Promise.reject(new NotOurJob('another chain')) : Promise.resolve();
      });
      await queue.put(job);
      await eventually(async () => {
        expect([runs, await queue.state(job)]).toEqual([6, { kind: 'gone' }]);
      });
    });

    it('gives up what nobody has had a use for', async () => {
      const queue = open({ ...FAST, attempts: 1, returnMs: 5, returnForMs: 50 });
      const job = aJob();
      await queue.work(() => Promise.reject(new NotOurJob('another chain')));
      await queue.put(job);
      expect(await queue.state(job)).toEqual({ kind: 'open' });
      await eventually(async () => {
        expect(await queue.state(job)).toEqual({ kind: 'failed', code: 'not-our-job' });
      });
    });

    it('counts a run that hangs as failed', async () => {
      const queue = open({ ...FAST, jobTimeoutMs: 30 });
      let runs = 0;
      await queue.work(() => {
        runs += 1;
        return runs === 1 ? new Promise<void>(() => undefined) : Promise.resolve();
      });
      await queue.put(aJob());
      await eventually(() => {
        expect(runs).toBe(2);
      });
    });

    it('works no more jobs at once than its worker asked for', async () => {
      const queue = open();
      let [atOnce, most, done] = [0, 0, 0];
      let finish = (): void => undefined;
      const finished = new Promise<void>((resolve) => (finish = resolve));
      await queue.work(
        async () => {
          most = Math.max(most, (atOnce += 1));
          await finished;
          atOnce -= 1;
          done += 1;
        },
        { concurrency: 3 },
      );
      for (let n = 0; n < 7; n += 1) await queue.put(aJob());
      await eventually(() => {
        expect(atOnce).toBe(3);
      });
      finish();
      await eventually(() => {
        expect(done).toBe(7);
      });
      expect(most).toBe(3);
    });

    it('refuses jobs when too many are open', async () => {
      const queue = open({ maxOpen: 3 });
      for (let n = 0; n < 3; n += 1) await queue.put(aJob());
      await expect(queue.put(aJob())).rejects.toThrow(BrokerUnavailable);
    });

    it('lets the running job finish when it closes, takes none after, and can be closed twice or unused', async () => {
      const queue = open();
      await open().close();
      const done: number[] = [];
      let [start, finish] = [(): void => undefined, (): void => undefined];
      const started = new Promise<void>((resolve) => (start = resolve));
      const finished = new Promise<void>((resolve) => (finish = resolve));
      await queue.work(async (job) => {
        start();
        await finished;
        done.push(job.from);
      });
      const [running, waiting] = [aJob(), aJob()];
      await queue.put(running);
      await started;
      await queue.put(waiting);
      const closed = queue.close();
      finish();
      await Promise.all([closed, queue.close()]);
      expect(done).toEqual([running.from]);
      await expect(queue.put(aJob())).rejects.toThrow(BrokerUnavailable);
    });

    it('does not wait for ever for a job that hangs', async () => {
      const queue = open({ closeTimeoutMs: 50 });
      let start = (): void => undefined;
      const started = new Promise<void>((resolve) => (start = resolve));
      await queue.work(() => {
        start();
        return new Promise<void>(() => undefined);
      });
      await queue.put(aJob());
      await started;
      await expect(queue.close()).resolves.toBeUndefined();
    });
  });
}
