import { afterEach, describe, expect, it } from 'vitest';
import { Logger } from '@nestjs/common';
import { BrokerUnavailable, NotFound, type WebhookJob, type WebhookQueue } from '@droppio/tips';
import { aCreatorId } from '@droppio/tips/testing';
import { eventually } from './testing/eventually.js';
import type { WebhookQueueSettings } from './webhook-job.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

/** Makes queues on one store of its own; `close` ends everything that was made. */
export interface WebhookQueueHouse {
  open(settings?: Partial<WebhookQueueSettings>): WebhookQueue;
  close(): Promise<void>;
}

interface Door {
  readonly opened: Promise<void>;
  open(): void;
}

function aDoor(): Door {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return {
    opened,
    open: () => {
      open();
    },
  };
}

const FAST = { backoff: { baseMs: 5, capMs: 20 } };

/** The promises of `WebhookQueue`, for every implementation. */
export function describeWebhookQueue(title: string, makeHouse: () => WebhookQueueHouse): void {
  describe(title, () => {
    let house: WebhookQueueHouse | undefined;
    const open = (settings?: Partial<WebhookQueueSettings>): WebhookQueue => (house ??= makeHouse()).open(settings);
    afterEach(async () => {
      await house?.close();
      house = undefined;
    });

    const deliver = (id = aCreatorId()): WebhookJob => ({ task: 'deliver', id });

    it('works what was nudged before and after the worker came, in both lanes', async () => {
      const queue = open();
      const jobs = [deliver(), deliver(), { task: 'plan' as const, id: aCreatorId() }];
      const done: (WebhookJob & { readonly isSlow: boolean })[] = [];
      await queue.nudge(deliver('first'));
      await queue.work((job) => Promise.resolve(void done.push(job)));
      for (const [i, job] of jobs.entries()) await queue.nudge(job, { isSlow: i === 1 });
      await eventually(() => {
        expect(done).toHaveLength(4);
      });
      const expected = [deliver('first'), ...jobs].map((job, i) => ({ ...job, isSlow: i === 2 }));
      expect(done).toEqual(expect.arrayContaining(expected));
    });

    it('makes one job of many nudges while it waits, and keeps plan and deliver of one id apart', async () => {
      const queue = open();
      const id = aCreatorId();
      for (let i = 0; i < 10; i += 1) await Promise.all([queue.nudge({ task: 'plan', id }), queue.nudge({ task: 'deliver', id })]);
      const done: string[] = [];
      await queue.work(({ task }) => Promise.resolve(void done.push(task)), { concurrency: 1 });
      await queue.nudge({ task: 'plan', id: 'last' });
      await eventually(() => {
        expect(done).toHaveLength(3);
      });
      expect([...done].sort()).toEqual(['deliver', 'plan', 'plan']);
    });

    it('runs once more, and only once, when nudged while at work', async () => {
      const queue = open();
      const job = deliver();
      const [started, finish] = [aDoor(), aDoor()];
      let [runs, atOnce, most] = [0, 0, 0];
      const others: string[] = [];
      await queue.work(async ({ id }) => {
        if (id !== job.id) return void others.push(id);
        runs += 1;
        most = Math.max(most, (atOnce += 1));
        started.open();
        await finish.opened;
        atOnce -= 1;
      });
      await queue.nudge(job);
      await started.opened;
      for (let i = 0; i < 5; i += 1) await queue.nudge(job);
      finish.open();
      await eventually(() => {
        expect(runs).toBe(2);
      });
      // A third run would be ahead of this one.
      await queue.nudge(deliver());
      await eventually(() => {
        expect(others).toHaveLength(1);
      });
      expect({ runs, most }).toEqual({ runs: 2, most: 1 });
    });

    it('runs later what is wanted later, once, and never puts off what is wanted now', async () => {
      const queue = open();
      const job = deliver();
      const ran: number[] = [];
      await queue.work(() => Promise.resolve(void ran.push(Date.now())));
      const began = Date.now();
      await Promise.all(Array.from({ length: 5 }, () => queue.nudge(job, { inMs: 700 })));
      await queue.nudge(job, { inMs: 3_600_000 });
      await queue.nudge(job);
      await eventually(() => {
        expect(ran).toHaveLength(1);
      });
      await eventually(() => {
        expect(ran.length).toBeGreaterThanOrEqual(2);
      });
      expect((ran.at(-1) ?? 0) - began).toBeGreaterThanOrEqual(700);
      // Nudges that straddle the edge of a tick may ring twice.
      expect(ran.length).toBeLessThanOrEqual(3);
    });

    it('goes on beside slow jobs, however many there are', async () => {
      const queue = open();
      const finish = aDoor();
      const done: string[] = [];
      let slow = 0;
      await queue.work(
        async ({ id }) => {
          if (id === 'quick') return void done.push(id);
          slow += 1;
          await finish.opened;
        },
        { concurrency: 2 },
      );
      for (let i = 0; i < 6; i += 1) await queue.nudge(deliver(), { isSlow: true });
      await eventually(() => {
        expect(slow).toBe(2);
      });
      await queue.nudge(deliver('quick'));
      await eventually(() => {
        expect(done).toEqual(['quick']);
      });
      expect(slow).toBe(2);
      finish.open();
      await eventually(() => {
        expect(slow).toBe(6);
      });
    });

    it('tries a failed job again, after a pause, until it succeeds', async () => {
      const queue = open(FAST);
      let runs = 0;
      await queue.work(() => {
        runs += 1;
        return runs < 4 ? Promise.reject(new BrokerUnavailable('away')) : Promise.resolve();
      });
      await queue.nudge(deliver());
      await eventually(() => {
        expect(runs).toBe(4);
      });
    });

    it('gives up after so many attempts, and takes the next nudge as a new job', async () => {
      const queue = open({ ...FAST, attempts: 3 });
      const job = deliver();
      let runs = 0;
      await queue.work(() => {
        runs += 1;
        return Promise.reject(new BrokerUnavailable('away'));
      });
      await queue.nudge(job);
      await eventually(() => {
        expect(runs).toBe(3);
      });
      await eventually(async () => {
        await queue.nudge(job);
        expect(runs).toBeGreaterThan(3);
      });
    });

    it('does not repeat what cannot succeed', async () => {
      const queue = open(FAST);
      const done: string[] = [];
      await queue.work(
        ({ id }) => {
          done.push(id);
          return id === 'hopeless' ? Promise.reject(new NotFound('no such webhook')) : Promise.resolve();
        },
        { concurrency: 1 },
      );
      await queue.nudge(deliver('hopeless'));
      await queue.nudge(deliver('next'));
      await eventually(() => {
        expect(done).toEqual(['hopeless', 'next']);
      });
    });

    it('counts a run that hangs as failed', async () => {
      const queue = open({ ...FAST, jobTimeoutMs: 30 });
      let runs = 0;
      await queue.work(() => {
        runs += 1;
        return runs === 1 ? new Promise<void>(() => undefined) : Promise.resolve();
      });
      await queue.nudge(deliver());
      await eventually(() => {
        expect(runs).toBe(2);
      });
    });

    it('refuses nudges when too many jobs wait', async () => {
      const queue = open({ maxWaiting: 3 });
      await eventually(async () => {
        await expect(queue.nudge(deliver())).rejects.toThrow(BrokerUnavailable);
      });
      await eventually(async () => {
        await expect(queue.nudge(deliver(), { inMs: 3_600_000 })).rejects.toThrow(BrokerUnavailable);
      });
    });

    it('lets the running job finish when it closes, and takes none after', async () => {
      const queue = open();
      const [started, finish] = [aDoor(), aDoor()];
      const done: string[] = [];
      await queue.work(
        async ({ id }) => {
          started.open();
          await finish.opened;
          done.push(id);
        },
        { concurrency: 1 },
      );
      await queue.nudge(deliver('running'));
      await started.opened;
      await queue.nudge(deliver('waiting'));
      const closed = queue.close();
      finish.open();
      await closed;
      expect(done).toEqual(['running']);
      await expect(queue.nudge(deliver())).rejects.toThrow(BrokerUnavailable);
    });

    it('does not wait for ever for a job that hangs', async () => {
      const queue = open({ closeTimeoutMs: 50 });
      const started = aDoor();
      await queue.work(() => {
        started.open();
        return new Promise<void>(() => undefined);
      });
      await queue.nudge(deliver());
      await started.opened;
      await expect(queue.close()).resolves.toBeUndefined();
    });
  });
}
