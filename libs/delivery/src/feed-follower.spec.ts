import { MemoryRelayQueue, unregisteredMetrics as brokerMetrics } from '@droppio/broker';
import { eventually } from '@droppio/broker/testing';
import { SystemClock } from '@droppio/platform';
import type { CreatorEvent, FeedPosition } from '@droppio/tips';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FeedAccess } from './feed-access.js';
import { FeedFollower, type FollowerListener } from './feed-follower.js';
import { resume, type Resumption } from './resumption.js';
import { ShakyFeed } from './testing/shaky-feed.js';
import { RelayWorkerDouble, Truth } from './testing/truth.js';
import { unregisteredMetrics, valueOf } from './testing/unregistered-metrics.js';

class Diary implements FollowerListener {
  readonly seqs: number[] = [];
  readonly gaps: [number, number][] = [];
  readonly renumberings: FeedPosition[] = [];
  interruptions = 0;

  events(events: readonly CreatorEvent[]): void {
    this.seqs.push(...events.map((event) => event.seq));
  }

  gap(from: number, to: number): void {
    this.gaps.push([from, to]);
  }

  renumbered(position: FeedPosition): void {
    this.renumberings.push(position);
  }

  interrupted(): void {
    this.interruptions += 1;
  }
}

let feed: ShakyFeed;
let queue: MemoryRelayQueue;
let truth: Truth;
let diary: Diary;
let follower: FeedFollower;
let metrics: ReturnType<typeof unregisteredMetrics>;

beforeEach(() => {
  feed = new ShakyFeed();
  queue = new MemoryRelayQueue(brokerMetrics().queue);
  truth = new Truth(feed);
  diary = new Diary();
  metrics = unregisteredMetrics();
  follower = new FeedFollower(truth.creatorId, new FeedAccess(feed, queue, new SystemClock(), metrics.redis), 100, metrics.feed, diary);
});
afterEach(async () => {
  await follower.close();
  await queue.close();
});

const worker = () => new RelayWorkerDouble([truth]).start(queue);
const commit = (count: number) => Array.from({ length: count }, () => truth.commit(truth.tip()));
const sendEach = async (count: number) => {
  for (let i = 0; i < count; i += 1) await truth.send();
};
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe(FeedFollower.name, () => {
  it('passes on what comes after it has opened, each once and in order', async () => {
    await truth.restore();
    await sendEach(3);
    await follower.open();
    await sendEach(3);
    await eventually(() => {
      expect(diary.seqs).toEqual([4, 5, 6]);
    });
  });

  it('passes on once what is signalled twice', async () => {
    await truth.restore();
    feed.stutters = true;
    await follower.open();
    await sendEach(3);
    await eventually(() => {
      expect(diary.seqs).toContain(3);
    });
    expect(diary.seqs).toEqual([1, 2, 3]);
  });

  it('misses nothing that comes between its subscription and the answer to its first question', async () => {
    await truth.restore();
    await truth.send();
    feed.beforeReading = async () => {
      feed.beforeReading = () => Promise.resolve();
      await feed.append(truth.creatorId, truth.epoch, truth.commit(truth.tip()));
      await new Promise(setImmediate);
    };
    await follower.open();
    await eventually(() => {
      expect(diary.seqs).toEqual([2]);
    });
  });

  it('looks for itself when its subscription was interrupted', async () => {
    await truth.restore();
    await follower.open();
    feed.loses = () => true;
    await sendEach(3);
    feed.reconnect();
    await eventually(() => {
      expect(diary.seqs).toEqual([1, 2, 3]);
    });
  });

  it('has a feed restored that knows nothing of the creator', async () => {
    const relay = await worker();
    commit(2);
    await follower.open();
    expect(follower.position).toEqual({ epoch: truth.epoch, seq: 2 });
    expect(relay.restores).toBe(1);
  });

  it('does not open on a guess when nobody restores', async () => {
    await expect(follower.open()).rejects.toMatchObject({ code: 'feed-missing', retryable: true });
  });

  it('heals a hole by one reading when a signal was lost', async () => {
    await truth.restore();
    await follower.open();
    feed.loses = (signal) => signal.kind === 'event' && signal.event.seq === 2;
    await sendEach(4);
    await eventually(() => {
      expect(diary.seqs).toEqual([1, 2, 3, 4]);
    });
    expect(diary.gaps).toEqual([]);
    expect(await valueOf(metrics.feed.healed)).toBeGreaterThan(0);
    expect(feed.readings).toBeLessThanOrEqual(2);
  });

  it('finds at a position check what no signal spoke of', async () => {
    await truth.restore();
    await follower.open();
    feed.loses = () => true;
    await sendEach(3);
    await follower.catchUp();
    expect(diary.seqs).toEqual([1, 2, 3]);
  });

  it('reads on in pages when it missed more than one holds', async () => {
    await truth.restore();
    await follower.open();
    feed.loses = () => true;
    await sendEach(255);
    feed.loses = () => false;
    await follower.catchUp();
    expect(diary.seqs).toEqual(from(1, 255));
  });

  it('says aloud which events nobody has any more, and goes on with the rest', async () => {
    await truth.restore();
    await follower.open();
    feed.loses = () => true;
    await worker();
    await sendEach(600);
    await follower.catchUp();
    expect(diary.gaps).toHaveLength(1);
    const [[first, last] = [0, 0]] = diary.gaps;
    expect(first).toBe(1);
    expect(diary.seqs).toEqual(from(last + 1, 600));
    expect(diary.seqs.length).toBeGreaterThanOrEqual(256);
    expect(await valueOf(metrics.feed.unhealed)).toBe(last);
  });

  it('has a feed restored that lost its memory while connected, and misses nothing', async () => {
    const relay = await worker();
    await truth.restore();
    await follower.open();
    await sendEach(2);
    commit(3);
    const emptied = new ShakyFeed();
    Object.assign(feed, { inner: emptied.inner });
    await emptied.inner.subscribe(truth.creatorId, () => undefined);
    await follower.catchUp();
    expect(relay.restores).toBe(1);
    expect(diary.seqs).toEqual(from(1, 5));
  });

  it('has a feed restored that went back in time in a failover, and repeats nothing', async () => {
    const relay = await worker();
    await truth.restore();
    await follower.open();
    await sendEach(5);
    await eventually(() => {
      expect(diary.seqs).toHaveLength(5);
    });
    const older = new ShakyFeed();
    await older.restore(truth.creatorId, {
      ...truth.snapshot(256),
      position: { epoch: truth.epoch, seq: 2 },
      events: truth.events.slice(0, 2),
    });
    Object.assign(feed, { inner: older.inner });
    await follower.catchUp();
    expect(relay.restores).toBe(1);
    expect(await feed.position(truth.creatorId)).toEqual({ epoch: truth.epoch, seq: 5 });
    expect(diary.seqs).toEqual(from(1, 5));
  });

  it('waits out a feed that is away, says that it is blind, and then catches up', async () => {
    await truth.restore();
    await follower.open();
    feed.isAway = true;
    const caughtUp = follower.catchUp();
    await eventually(() => {
      expect(follower.isBlind).toBe(true);
    });
    await feed.inner.append(truth.creatorId, truth.epoch, truth.commit(truth.tip()));
    feed.reconnect();
    await caughtUp;
    expect(follower.isBlind).toBe(false);
    expect(diary.seqs).toEqual([1]);
    expect(diary.interruptions).toBe(1);
  });

  it('tells of a stream that is numbered anew', async () => {
    await truth.restore();
    await follower.open();
    await sendEach(3);
    await feed.restore(truth.creatorId, { position: { epoch: 'another', seq: 1 }, events: [], grants: [] });
    await eventually(() => {
      expect(diary.renumberings).toEqual([{ epoch: 'another', seq: 1 }]);
    });
    expect(follower.position).toEqual({ epoch: 'another', seq: 1 });
  });

  it('asks once however many ask it to catch up at the same time', async () => {
    await truth.restore();
    await follower.open();
    await Promise.all(Array.from({ length: 50 }, () => follower.catchUp()));
    expect(feed.readings).toBeLessThanOrEqual(2);
  });
});

describe(`${FeedFollower.name} and clients that claim to know of more`, () => {
  const claim = async (cursor: FeedPosition): Promise<Resumption | undefined> => {
    let answer: Resumption | undefined;
    await resume(follower, cursor, (found) => (answer = found)).catch(() => undefined);
    return answer;
  };

  it('has the feed rebuilt for them a few times and no more, and then lets nobody in on a guess', async () => {
    await truth.restore();
    const { restores } = await claims({ epoch: truth.epoch, seq: 1_000_000 });
    expect(restores.map(({ answer }) => answer?.recovered)).toEqual([
      ...Array<boolean>(8).fill(false),
      ...Array<undefined>(12).fill(undefined),
    ]);
    expect(restores.at(-1)?.count).toBe(8);
  });

  it('has it rebuilt once for all who come with the numbers of another time', async () => {
    await truth.restore();
    const { restores } = await claims({ epoch: 'of old', seq: 3 });
    expect(restores.map(({ answer }) => answer?.recovered)).toEqual(Array<boolean>(20).fill(false));
    expect(restores.at(-1)?.count).toBe(1);
  });

  async function claims(cursor: FeedPosition) {
    const relay = await worker();
    await follower.open();
    const restores: { answer: Resumption | undefined; count: number }[] = [];
    for (let i = 0; i < 20; i += 1) restores.push({ answer: await claim(cursor), count: relay.restores });
    return { restores };
  }
});
