import { afterEach, describe, expect, it } from 'vitest';
import { Logger } from '@nestjs/common';
import { BrokerUnavailable, NotFound, type Presence, type RelayJob, type RelayQueue } from '@droppio/tips';
import { aCreatorId } from '@droppio/tips/testing';
import { MemoryPresence } from './memory-presence.js';
import { eventually } from './testing/eventually.js';
import type { RelayQueueSettings } from './relay-job.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

/** Makes queues on one store of its own; `close` ends everything that was made. */
export interface QueueHouse {
  open(settings?: Partial<RelayQueueSettings>, presence?: Presence): RelayQueue;
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

/** The promises of `RelayQueue`, for every implementation. */
export function describeRelayQueue(title: string, makeHouse: () => QueueHouse): void {
  describe(title, () => {
    let house: QueueHouse | undefined;
    const open = (settings?: Partial<RelayQueueSettings>, presence?: Presence): RelayQueue =>
      (house ??= makeHouse()).open(settings, presence);
    afterEach(async () => {
      await house?.close();
      house = undefined;
    });

    const drain = (creatorId = aCreatorId()): RelayJob => ({ creatorId, task: 'drain' });

    it('works what was nudged before and after the worker came', async () => {
      const queue = open();
      const done: RelayJob[] = [];
      const [before, after] = [drain(), { creatorId: aCreatorId(), task: 'restore' as const }];
      await queue.nudge(before);
      await queue.work((job) => Promise.resolve(void done.push(job)));
      await queue.nudge(after, { live: true });
      await eventually(() => {
        expect(done).toHaveLength(2);
      });
      // In either order: a worker that is slow to start finds both, and takes the live one first.
      expect(done).toEqual(expect.arrayContaining([before, after]));
    });

    it('makes one job of many nudges while it waits', async () => {
      const queue = open({ concurrency: 1 });
      const [job, last] = [drain(), drain()];
      await Promise.all(Array.from({ length: 20 }, (_, i) => queue.nudge(job, { live: i % 2 === 0 })));
      await queue.nudge(last);
      const done: RelayJob[] = [];
      await queue.work((taken) => Promise.resolve(void done.push(taken)));
      await eventually(() => {
        expect(done).toContainEqual(last);
      });
      expect(done).toEqual([job, last]);
    });

    it('keeps drain and restore of a creator apart', async () => {
      const queue = open();
      const creatorId = aCreatorId();
      const done: string[] = [];
      await queue.nudge({ creatorId, task: 'drain' });
      await queue.nudge({ creatorId, task: 'restore' });
      await queue.work(({ task }) => Promise.resolve(void done.push(task)));
      await eventually(() => {
        expect(done.sort()).toEqual(['drain', 'restore']);
      });
    });

    it('runs once more, and only once, when nudged while at work', async () => {
      const queue = open({ concurrency: 4 });
      const [job, other] = [drain(), drain()];
      const [started, finish] = [aDoor(), aDoor()];
      let runs = 0;
      let atOnce = 0;
      let most = 0;
      const others: RelayJob[] = [];
      await queue.work(async (taken) => {
        if (taken.creatorId === other.creatorId) return void others.push(taken);
        runs += 1;
        most = Math.max(most, (atOnce += 1));
        started.open();
        await finish.opened;
        atOnce -= 1;
      });
      await queue.nudge(job);
      await started.opened;
      for (let i = 0; i < 5; i += 1) await queue.nudge(job, { live: true });
      finish.open();
      await eventually(() => {
        expect(runs).toBe(2);
      });
      // A third run would be ahead of this one.
      await queue.nudge(other);
      await eventually(() => {
        expect(others).toHaveLength(1);
      });
      expect({ runs, most }).toEqual({ runs: 2, most: 1 });
    });

    it('runs again for every nudge that comes when the last run is over', async () => {
      const queue = open();
      const job = drain();
      let runs = 0;
      await queue.work(() => Promise.resolve(void (runs += 1)));
      for (let i = 1; i <= 10; i += 1) {
        await queue.nudge(job);
        await eventually(() => {
          expect(runs).toBeGreaterThanOrEqual(i);
        });
      }
    });

    it('takes live creators first, also those that became live while they waited', async () => {
      const queue = open({ concurrency: 1 });
      const [slow, hurried, live, idle] = [drain(), drain(), drain(), drain()];
      for (const job of [slow, hurried, idle]) await queue.nudge(job);
      await queue.nudge(live, { live: true });
      await queue.nudge(hurried, { live: true });
      const done: string[] = [];
      await queue.work(({ creatorId }) => Promise.resolve(void done.push(creatorId)));
      await eventually(() => {
        expect(done).toHaveLength(4);
      });
      expect(done).toEqual([live, hurried, slow, idle].map(({ creatorId }) => creatorId));
    });

    it('asks who has overlays open where nobody says whether overlays wait, and counts nobody in doubt', async () => {
      const presence = new MemoryPresence();
      const queue = open({ concurrency: 1 }, presence);
      const [idle, watched, denied, unknown] = [drain(), drain(), drain(), drain()];
      const present = [watched, denied].map(({ creatorId }) => [creatorId, 1] as const);
      await presence.tell('pod', new Map(present));
      await queue.nudge(idle);
      await queue.nudge(watched);
      await queue.nudge(denied, { live: false });
      presence.counts = () => Promise.reject(new BrokerUnavailable('away'));
      await queue.nudge(unknown);
      const done: string[] = [];
      await queue.work(({ creatorId }) => Promise.resolve(void done.push(creatorId)));
      await eventually(() => {
        expect(done).toHaveLength(4);
      });
      expect(done).toEqual([watched, idle, denied, unknown].map(({ creatorId }) => creatorId));
    });

    it('tries a failed job again, after a pause, until it succeeds', async () => {
      const queue = open(FAST);
      let runs = 0;
      await queue.work(() => {
        runs += 1;
        return runs < 4 ? Promise.reject(new BrokerUnavailable('away')) : Promise.resolve();
      });
      await queue.nudge(drain());
      await eventually(() => {
        expect(runs).toBe(4);
      });
    });

    it('gives up after so many attempts, and takes the next nudge as a new job', async () => {
      const queue = open({ ...FAST, attempts: 3 });
      const job = drain();
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
      const queue = open({ ...FAST, concurrency: 1 });
      const [hopeless, next] = [drain(), drain()];
      const done: string[] = [];
      await queue.work(({ creatorId }) => {
        done.push(creatorId);
        return creatorId === hopeless.creatorId ? Promise.reject(new NotFound('no such creator')) : Promise.resolve();
      });
      await queue.nudge(hopeless);
      await queue.nudge(next);
      await eventually(() => {
        expect(done).toEqual([hopeless.creatorId, next.creatorId]);
      });
    });

    it('counts a run that hangs as failed', async () => {
      const queue = open({ ...FAST, jobTimeoutMs: 30 });
      let runs = 0;
      await queue.work(() => {
        runs += 1;
        return runs === 1 ? new Promise<void>(() => undefined) : Promise.resolve();
      });
      await queue.nudge(drain());
      await eventually(() => {
        expect(runs).toBe(2);
      });
    });

    it('works no more jobs at once than it may', async () => {
      const queue = open({ concurrency: 3 });
      const finish = aDoor();
      let atOnce = 0;
      let most = 0;
      let done = 0;
      await queue.work(async () => {
        most = Math.max(most, (atOnce += 1));
        await finish.opened;
        atOnce -= 1;
        done += 1;
      });
      for (let i = 0; i < 9; i += 1) await queue.nudge(drain());
      await eventually(() => {
        expect(atOnce).toBe(3);
      });
      finish.open();
      await eventually(() => {
        expect(done).toBe(9);
      });
      expect(most).toBe(3);
    });

    it('refuses nudges when too many jobs wait', async () => {
      const queue = open({ maxWaiting: 3 });
      await eventually(async () => {
        await expect(queue.nudge(drain())).rejects.toThrow(BrokerUnavailable);
      });
    });

    it('lets the running job finish when it closes, and takes none after', async () => {
      const queue = open({ concurrency: 1 });
      const [started, finish] = [aDoor(), aDoor()];
      const done: string[] = [];
      await queue.work(async ({ creatorId }) => {
        started.open();
        await finish.opened;
        done.push(creatorId);
      });
      const [running, waiting] = [drain(), drain()];
      await queue.nudge(running);
      await started.opened;
      await queue.nudge(waiting);
      const closed = queue.close();
      finish.open();
      await closed;
      expect(done).toEqual([running.creatorId]);
      await expect(queue.nudge(drain())).rejects.toThrow(BrokerUnavailable);
    });

    it('does not wait for ever for a job that hangs', async () => {
      const queue = open({ closeTimeoutMs: 50 });
      const started = aDoor();
      await queue.work(() => {
        started.open();
        return new Promise<void>(() => undefined);
      });
      await queue.nudge(drain());
      await started.opened;
      await expect(queue.close()).resolves.toBeUndefined();
    });
  });
}
