import { MemoryRelayQueue, unregisteredMetrics as brokerMetrics } from '@droppio/broker';
import { BrokerUnavailable, TimedOut } from '@droppio/tips';
import { ManualClock } from '@droppio/tips/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FeedAway } from './errors.js';
import { FeedAccess } from './feed-access.js';
import { ShakyFeed } from './testing/shaky-feed.js';
import { unregisteredMetrics, valueOf } from './testing/unregistered-metrics.js';

function anAccess() {
  const [clock, feed, metrics] = [new ManualClock(), new ShakyFeed(), unregisteredMetrics()];
  const queue = new MemoryRelayQueue(brokerMetrics().queue, { maxWaiting: 0 });
  const access = new FeedAccess(feed, queue, clock, metrics.redis);
  const ask = (): Promise<unknown> => access.position('c').catch((error: unknown) => error);
  return { clock, feed, metrics, access, ask };
}

afterEach(() => {
  vi.useRealTimers();
});

describe(FeedAccess.name, () => {
  it('stops asking a feed that is away, and asks at once when it is known to be back', async () => {
    const { feed, metrics, access, ask } = anAccess();
    feed.isAway = true;
    for (let i = 0; i < 8; i += 1) expect(await ask()).not.toBeInstanceOf(FeedAway);
    for (let i = 0; i < 8; i += 1) expect(await ask()).toBeInstanceOf(FeedAway);
    expect(await valueOf(metrics.redis.errors, { command: 'position' })).toBe(8);
    feed.isAway = false;
    access.returned();
    expect(await ask()).toBeUndefined();
  });

  it('does not take a full queue for a feed that is away', async () => {
    const { metrics, access, ask } = anAccess();
    for (let i = 0; i < 20; i += 1) await expect(access.requestRestore('c')).rejects.toThrow(BrokerUnavailable);
    expect(await ask()).toBeUndefined();
    expect(await valueOf(metrics.redis.errors, { command: 'nudge' })).toBe(20);
  });

  it('closes a subscription that comes when nobody waits for it any more', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { feed, access } = anAccess();
    let open = (): void => undefined;
    feed.beforeSubscribing = () => new Promise((resolve) => (open = resolve));
    const asked = access.subscribe('c', () => undefined).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await asked).toBeInstanceOf(TimedOut);
    expect(feed.subscribers).toBe(0);
    const { subscribed } = feed;
    open();
    await vi.waitFor(() => {
      expect(feed.subscribed).toBe(subscribed + 1);
    });
    await new Promise(setImmediate);
    expect(feed.subscribers).toBe(0);
  });
});
