import { ManualClock } from '@droppio/tips/testing';
import { Counter, Gauge } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { DrainWatch } from './drain-watch.js';
import { DrainMetrics } from './node-metrics.js';

const gauge = (): Gauge => new Gauge({ name: 'a', help: 'a', registers: [] });
const read = async (of: Gauge): Promise<number | undefined> => (await of.get()).values[0]?.value;

describe(DrainWatch.name, () => {
  let clock: ManualClock;
  let metrics: DrainMetrics;
  let sessions: Set<object>;
  let watch: DrainWatch<object>;
  beforeEach(() => {
    clock = new ManualClock();
    metrics = new DrainMetrics(gauge(), gauge(), gauge(), gauge(), new Counter({ name: 'a', help: 'a', registers: [] }));
    sessions = new Set();
    watch = new DrainWatch({ clock, all: () => sessions }, metrics);
  });
  const later = async (ms: number): Promise<{ seconds: unknown; overdue: unknown; overrun: unknown }> => {
    clock.advance(ms);
    watch.look();
    return { seconds: await read(metrics.seconds), overdue: await read(metrics.overdue), overrun: await read(metrics.overrun) };
  };

  it('counts those that have not gone when a quarter of their grace is over, for as long as they are here', async () => {
    const [prompt, slow] = [{}, {}];
    for (const session of [prompt, slow]) watch.expect(session, 5000, 12_000);
    sessions.add(prompt).add(slow).add({});
    expect(await later(5500)).toMatchObject({ overdue: 0, seconds: 5.5 });
    sessions.delete(prompt);
    expect(await later(2400)).toMatchObject({ overdue: 0 });
    expect(await later(200)).toMatchObject({ overdue: 1 });
    expect(await later(60_000)).toMatchObject({ overdue: 1 });
    sessions.delete(slow);
    expect(await later(1)).toMatchObject({ overdue: 0 });
  });

  it('says how far it is over its time, and nothing while it is not', async () => {
    clock.advance(3000);
    watch.start(10_000);
    expect(await later(9999)).toMatchObject({ overrun: 0, seconds: 12.999 });
    expect(await later(4001)).toMatchObject({ overrun: 4, seconds: 17 });
    watch.stop();
  });
});
