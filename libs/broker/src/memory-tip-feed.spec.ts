import { describe, expect, it } from 'vitest';
import { aTipEvent } from '@droppio/tips/testing';
import { MemoryTipFeed } from './memory-tip-feed.js';
import { unregisteredMetrics } from './metrics.js';
import { aSnapshot, describeTipFeed } from './tip-feed.contract.js';

describeTipFeed(MemoryTipFeed.name, () => {
  const feed = new MemoryTipFeed(unregisteredMetrics().feed);
  return Promise.resolve({ feed, neighbour: feed, close: () => feed.close() });
});

describe(`${MemoryTipFeed.name} alone`, () => {
  it('forgets the longest idle creator when it holds too many', async () => {
    const feed = new MemoryTipFeed(unregisteredMetrics().feed, 2);
    await feed.restore('a', aSnapshot(1));
    await feed.restore('b', aSnapshot(1));
    await feed.append('a', 'epoch-1', aTipEvent({ seq: 2 }));
    await feed.restore('c', aSnapshot(1));
    expect(await feed.position('b')).toBeUndefined();
    expect(await feed.position('a')).toMatchObject({ seq: 2 });
  });

  it('signals neither in the call of the publisher nor out of order', async () => {
    const feed = new MemoryTipFeed(unregisteredMetrics().feed);
    await feed.restore('a', aSnapshot(0));
    const heard: string[] = [];
    await feed.subscribe('a', (signal) => heard.push(signal.kind === 'event' ? String(signal.event.seq) : signal.kind));
    const appended = feed.append('a', 'epoch-1', aTipEvent({ seq: 1 }));
    void feed.restore('a', aSnapshot(1));
    void feed.append('a', 'epoch-1', aTipEvent({ seq: 2 }));
    expect(heard).toEqual([]);
    await appended;
    expect(heard).toEqual(['1', 'restored', '2']);
  });

  it('does not deliver what was under way when its listener left', async () => {
    const feed = new MemoryTipFeed(unregisteredMetrics().feed);
    await feed.restore('a', aSnapshot(0));
    const heard: string[] = [];
    const subscription = await feed.subscribe('a', ({ kind }) => heard.push(kind));
    const appended = feed.append('a', 'epoch-1', aTipEvent({ seq: 1 }));
    void subscription.close();
    await appended;
    await Promise.resolve();
    expect(heard).toEqual([]);
  });
});
