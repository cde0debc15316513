import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryPresence, MemoryRelayQueue, MemoryTipFeed, unregisteredMetrics } from '@droppio/broker';
import { eventually } from '@droppio/broker/testing';
import { Health } from '@droppio/platform';
import { BrokerUnavailable, StorageUnavailable } from '@droppio/tips';
import { aTipEvent, ManualClock } from '@droppio/tips/testing';
import { CreatorRelay } from './creator-relay.js';
import { RelayMetrics } from './metrics.js';
import { Outbox } from './outbox.js';
import { OutboxSweep } from './outbox-sweep.js';
import { RELAY_DEFAULTS } from './relay-settings.js';
import { RelayWork } from './relay-work.js';
import { ScriptLedger } from './testing/script-ledger.js';

Logger.overrideLogger(false);

describe(OutboxSweep.name, () => {
  let clock: ManualClock;
  let ledger: ScriptLedger;
  let feed: MemoryTipFeed;
  let queue: MemoryRelayQueue;
  let relay: CreatorRelay;
  let presence: MemoryPresence;
  let sweep: OutboxSweep;
  const published: string[] = [];
  let faults: Map<string, Error>;

  beforeEach(() => {
    clock = new ManualClock();
    ledger = new ScriptLedger(clock);
    feed = new MemoryTipFeed(unregisteredMetrics().feed);
    queue = new MemoryRelayQueue(unregisteredMetrics().queue);
    const metrics = RelayMetrics.unregistered();
    published.length = 0;
    faults = new Map();
    relay = new (class extends CreatorRelay {
      override publish(creatorId: string): Promise<void> {
        published.push(creatorId);
        const fault = faults.get(creatorId);
        return fault === undefined ? super.publish(creatorId) : Promise.reject(fault);
      }
    })(ledger, feed, queue, clock, metrics);
    presence = new MemoryPresence();
    sweep = new OutboxSweep(new Outbox(ledger, presence), relay, clock, metrics, RELAY_DEFAULTS);
  });

  function commit(creatorId: string): void {
    if (!ledger.streams.has(creatorId)) ledger.addCreator(creatorId);
    ledger.commitEvents(creatorId, aTipEvent({ seq: ledger.stream(creatorId).head + 1 }));
  }
  /** Time passes; what was noted is written. */
  async function later(ms: number): Promise<void> {
    clock.advance(ms);
    await eventually(() => {
      for (const [id, { published: seq }] of ledger.streams) expect(seq).toBe(feedHead.get(id) ?? 0);
    });
  }
  const feedHead = new Map<string, number>();
  async function remember(): Promise<void> {
    feedHead.clear();
    for (const id of ledger.streams.keys()) feedHead.set(id, (await feed.position(id))?.seq ?? 0);
  }

  it('publishes what nobody did, oldest first, and leaves the newest to the fast path', async () => {
    commit('a');
    clock.advance(600);
    commit('b');
    clock.advance(600);
    await sweep.sweep();
    expect(published).toEqual(['a']);
    clock.advance(600);
    await sweep.sweep();
    expect(published).toContain('b');
    expect(await feed.position('b')).toMatchObject({ seq: 1 });
  });

  it.each([
    ['before all others', false, ['live', 'live too', 'old', 'new']],
    ['in their turn when nobody knows of it', true, ['old', 'live', 'new', 'live too']],
  ])('publishes creators with overlays open %s', async (_, isAway, expected) => {
    for (const id of ['old', 'live', 'new', 'live too']) {
      commit(id);
      clock.advance(1);
    }
    clock.advance(2000);
    await presence.tell(
      'a gateway',
      new Map([
        ['live too', 1],
        ['live', 300],
      ]),
    );
    if (isAway) presence.counts = () => Promise.reject(new BrokerUnavailable('away'));
    await sweep.sweep();
    expect(published).toEqual(expected);
  });

  it('tells how old the oldest unpublished event is, and nothing once it is published', async () => {
    commit('stuck');
    faults.set('stuck', new BrokerUnavailable('away'));
    clock.advance(1500);
    expect(await sweep.sweep()).toBe(1);
    clock.advance(10_000);
    expect(await sweep.sweep()).toBe(10);
    faults.clear();
    await sweep.sweep();
    await remember();
    await later(30);
    expect(await sweep.sweep()).toBe(0);
  });

  it('stops a round when the broker is away, and starts the next with everybody', async () => {
    for (let i = 0; i < 100; i += 1) commit(`c${String(i)}`);
    for (const id of ledger.streams.keys()) faults.set(id, new BrokerUnavailable('away'));
    clock.advance(2000);
    await sweep.sweep();
    expect(published.length).toBeLessThanOrEqual(RELAY_DEFAULTS.sweepConcurrency);
    faults.clear();
    published.length = 0;
    await sweep.sweep();
    expect(new Set(published).size).toBe(100);
  });

  it('puts a creator that fails by itself off, longer and longer, and never the others', async () => {
    commit('poison');
    faults.set('poison', new Error('a bug'));
    let tries = 0;
    for (let round = 0; round < 100; round += 1) {
      commit('well');
      clock.advance(2000);
      published.length = 0;
      await sweep.sweep();
      tries += published.filter((id) => id === 'poison').length;
      expect(published).toContain('well');
    }
    expect(tries).toBeGreaterThan(1);
    expect(tries).toBeLessThan(30);
  });

  it('does not let hundreds of failing creators hide one that is well', async () => {
    for (let i = 0; i < 600; i += 1) {
      commit(`bad${String(i)}`);
      faults.set(`bad${String(i)}`, new Error('a bug'));
    }
    clock.advance(1);
    commit('well');
    clock.advance(2000);
    await sweep.sweep();
    clock.advance(1);
    await sweep.sweep();
    expect(await feed.position('well')).toMatchObject({ seq: 1 });
  });

  it('says when the ledger is away', async () => {
    ledger.away = true;
    await expect(sweep.sweep()).rejects.toThrow(StorageUnavailable);
  });

  describe(RelayWork.name, () => {
    let health: Health;
    let work: RelayWork;
    beforeEach(() => {
      health = new Health();
      work = new RelayWork(relay, sweep, queue, clock, health);
      work.onApplicationBootstrap();
    });
    const tick = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 500) {
        clock.advance(500);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };

    it('works drain and restore jobs', async () => {
      commit('a');
      await queue.nudge({ creatorId: 'a', task: 'drain' });
      await eventually(async () => {
        expect(await feed.position('a')).toMatchObject({ seq: 1 });
      });
      ledger.addCreator('b');
      await queue.nudge({ creatorId: 'b', task: 'restore' });
      await eventually(async () => {
        expect(await feed.position('b')).toMatchObject({ seq: 0 });
      });
      await work.beforeApplicationShutdown();
    });

    it('sweeps by itself, over faults, until it is closed', async () => {
      ledger.away = true;
      await tick(5000);
      ledger.away = false;
      commit('a');
      await tick(5000);
      expect(await feed.position('a')).toMatchObject({ seq: 1 });
      await work.beforeApplicationShutdown();
      const { length } = ledger.calls;
      await tick(5000);
      expect(ledger.calls).toHaveLength(length);
    });

    it('makes the process not ready while events wait for five seconds, and ready again after', async () => {
      commit('stuck');
      faults.set('stuck', new BrokerUnavailable('away'));
      await tick(3000);
      expect((await health.ready()).ok).toBe(true);
      await tick(6000);
      expect((await health.ready()).faults['outbox']).toMatch(/waiting for 5 s/);
      faults.clear();
      await tick(6000);
      expect((await health.ready()).ok).toBe(true);
      await work.beforeApplicationShutdown();
    });

    it('makes the process not ready when it cannot look', async () => {
      ledger.away = true;
      await tick(40_000);
      expect((await health.ready()).faults['outbox']).toMatch(/not been looked at/);
      await work.beforeApplicationShutdown();
    });
  });
});
