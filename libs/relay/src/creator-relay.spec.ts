import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryRelayQueue, MemoryTipFeed, unregisteredMetrics } from '@droppio/broker';
import { eventually } from '@droppio/broker/testing';
import { BrokerUnavailable, type AppendOutcome, type CreatorEvent, type FeedSignal, type RelayJob } from '@droppio/tips';
import { aCreatorId, aTipEvent, ManualClock } from '@droppio/tips/testing';
import { CreatorRelay } from './creator-relay.js';
import { RelayMetrics } from './metrics.js';
import { ScriptLedger } from './testing/script-ledger.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

const events = (from: number, to: number): CreatorEvent[] => Array.from({ length: to - from + 1 }, (_, i) => aTipEvent({ seq: from + i }));

/** A feed that can be away, that counts calls, and whose answers can be overheard. */
class ScriptFeed extends MemoryTipFeed {
  away = false;
  readonly calls: string[] = [];
  beforeAppend: (event: CreatorEvent) => void = () => undefined;

  override append(creatorId: string, epoch: string, event: CreatorEvent): Promise<AppendOutcome> {
    this.calls.push('append');
    this.beforeAppend(event);
    return this.away ? Promise.reject(new BrokerUnavailable('away on purpose')) : super.append(creatorId, epoch, event);
  }

  override position(creatorId: string): ReturnType<MemoryTipFeed['position']> {
    this.calls.push('position');
    return this.away ? Promise.reject(new BrokerUnavailable('away on purpose')) : super.position(creatorId);
  }
}

describe(CreatorRelay.name, () => {
  const creatorId = aCreatorId();
  let clock: ManualClock;
  let ledger: ScriptLedger;
  let feed: ScriptFeed;
  let queue: MemoryRelayQueue;
  let relay: CreatorRelay;
  let heard: FeedSignal[];

  const newRelay = (): CreatorRelay => new CreatorRelay(ledger, feed, queue, clock, RelayMetrics.unregistered());
  const seqs = (): number[] => heard.flatMap((signal) => (signal.kind === 'event' ? [signal.event.seq] : []));
  const settle = async (): Promise<void> => {
    clock.advance(1000);
    await relay.beforeApplicationShutdown();
  };

  beforeEach(async () => {
    clock = new ManualClock();
    ledger = new ScriptLedger(clock);
    feed = new ScriptFeed(unregisteredMetrics().feed);
    queue = new MemoryRelayQueue(unregisteredMetrics().queue);
    relay = newRelay();
    heard = [];
    ledger.addCreator(creatorId);
    await feed.restore(creatorId, { position: { epoch: 'epoch-1', seq: 0 }, events: [], grants: [] });
    await feed.subscribe(creatorId, (signal) => heard.push(signal));
  });

  it('publishes what is committed, in order, stamped, and notes it', async () => {
    const all = events(1, 3);
    ledger.commitEvents(creatorId, ...all);
    await relay.drain(creatorId);
    const at = clock.now();
    expect(heard).toEqual(all.map((event) => ({ kind: 'event', epoch: 'epoch-1', event: { ...event, at: { ...event.at, pub: at } } })));
    await settle();
    expect(ledger.publishedOf(creatorId)).toBe(3);
  });

  it('needs one read and one append for the next event', async () => {
    ledger.commitEvents(creatorId, aTipEvent({ seq: 1 }));
    await relay.drain(creatorId);
    ledger.calls.length = feed.calls.length = 0;
    ledger.commitEvents(creatorId, aTipEvent({ seq: 2 }));
    await relay.drain(creatorId);
    expect(seqs()).toEqual([1, 2]);
    expect(ledger.calls.filter((call) => call !== 'markPublished')).toEqual(['eventsAfter']);
    expect(feed.calls).toEqual(['append']);
  });

  it('is harmless when there is nothing, twice, and for nobody', async () => {
    await relay.drain(creatorId);
    ledger.commitEvents(creatorId, aTipEvent({ seq: 1 }));
    await relay.drain(creatorId);
    await relay.drain(creatorId);
    await relay.drain(aCreatorId());
    expect(seqs()).toEqual([1]);
  });

  it('sends each event once when many drain at once, in two processes', async () => {
    const other = newRelay();
    ledger.commitEvents(creatorId, ...events(1, 40));
    await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? relay : other).drain(creatorId)));
    expect(seqs()).toEqual(events(1, 40).map(({ seq }) => seq));
  });

  it('looks again for what was committed while it ran', async () => {
    ledger.commitEvents(creatorId, aTipEvent({ seq: 1 }));
    let second: Promise<void> | undefined;
    feed.beforeAppend = ({ seq }) => {
      if (seq !== 1) return;
      ledger.commitEvents(creatorId, aTipEvent({ seq: 2 }));
      second = relay.drain(creatorId);
    };
    await relay.drain(creatorId);
    await second;
    expect(seqs()).toEqual([1, 2]);
  });

  it('moves a long backlog in pages', async () => {
    ledger.commitEvents(creatorId, ...events(1, 700));
    await relay.drain(creatorId);
    expect(seqs()).toEqual(events(1, 700).map(({ seq }) => seq));
  });

  it('goes on behind what another process has published', async () => {
    ledger.commitEvents(creatorId, aTipEvent({ seq: 1 }));
    await relay.drain(creatorId);
    ledger.commitEvents(creatorId, ...events(2, 5));
    await newRelay().drain(creatorId);
    ledger.commitEvents(creatorId, aTipEvent({ seq: 6 }));
    await relay.drain(creatorId);
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('restores a feed that knows nothing, without doubling what it restored', async () => {
    ledger.commitEvents(creatorId, ...events(1, 3));
    await relay.drain(creatorId);
    feed = new ScriptFeed(unregisteredMetrics().feed);
    await feed.subscribe(creatorId, (signal) => heard.push(signal));
    heard.length = 0;
    relay = newRelay();
    ledger.commitEvents(creatorId, aTipEvent({ seq: 4 }));
    await relay.drain(creatorId);
    expect(heard).toEqual([{ kind: 'restored', position: { epoch: 'epoch-1', seq: 4 } }]);
    expect((await feed.after(creatorId, 0, 10))?.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  it('restores in the middle of a drain when the feed is emptied under it', async () => {
    ledger.commitEvents(creatorId, aTipEvent({ seq: 1 }));
    await relay.drain(creatorId);
    await feed.restore(creatorId, { position: { epoch: 'another', seq: 0 }, events: [], grants: [] });
    ledger.commitEvents(creatorId, aTipEvent({ seq: 2 }));
    await relay.drain(creatorId);
    expect(await feed.position(creatorId)).toEqual({ epoch: 'epoch-1', seq: 2 });
    await settle();
    expect(ledger.publishedOf(creatorId)).toBe(2);
  });

  it('fills a hole when the feed has fallen behind what was remembered', async () => {
    ledger.commitEvents(creatorId, ...events(1, 5));
    await relay.drain(creatorId);
    // Another epoch and back: the only way to make this feed forget.
    await feed.restore(creatorId, { position: { epoch: 'another', seq: 0 }, events: [], grants: [] });
    await feed.restore(creatorId, { position: { epoch: 'epoch-1', seq: 2 }, events: events(1, 2), grants: [] });
    heard.length = 0;
    ledger.commitEvents(creatorId, aTipEvent({ seq: 6 }));
    await relay.drain(creatorId);
    expect(seqs()).toEqual([3, 4, 5, 6]);
  });

  it('restores when the ledger no longer has what follows the feed', async () => {
    ledger.commitEvents(creatorId, ...events(5, 8));
    await relay.drain(creatorId);
    expect(await feed.position(creatorId)).toEqual({ epoch: 'epoch-1', seq: 8 });
    expect((await feed.after(creatorId, 4, 10))?.events).toHaveLength(4);
  });

  it('follows the ledger into a new epoch, though it remembers the old one', async () => {
    ledger.commitEvents(creatorId, ...events(1, 5));
    await relay.drain(creatorId);
    ledger.addCreator(creatorId, 'epoch-2');
    ledger.commitEvents(creatorId, ...events(1, 2));
    await relay.drain(creatorId);
    expect(await feed.position(creatorId)).toEqual({ epoch: 'epoch-2', seq: 2 });
  });

  it('checks an old memory against the ledger once the event is out', async () => {
    ledger.commitEvents(creatorId, ...events(1, 5));
    await relay.drain(creatorId);
    ledger.stream(creatorId).epoch = 'epoch-2';
    clock.advance(120_000);
    ledger.commitEvents(creatorId, aTipEvent({ seq: 6 }));
    await relay.drain(creatorId);
    expect(await feed.position(creatorId)).toEqual({ epoch: 'epoch-2', seq: 6 });
  });

  it('asks the queue to try again when the feed is away, and never rejects', async () => {
    const nudged: RelayJob[] = [];
    await queue.work((job) => Promise.resolve(void nudged.push(job)));
    ledger.commitEvents(creatorId, aTipEvent({ seq: 1 }));
    feed.away = true;
    await expect(relay.drain(creatorId)).resolves.toBeUndefined();
    await eventually(() => {
      expect(nudged).toEqual([{ creatorId, task: 'drain' }]);
    });
    await expect(relay.publish(creatorId)).rejects.toThrow(BrokerUnavailable);
    feed.away = false;
    await relay.publish(creatorId);
    expect(seqs()).toEqual([1]);
  });

  it('never rejects when queue and ledger are away too', async () => {
    ledger.away = feed.away = true;
    await queue.close();
    await expect(relay.drain(creatorId)).resolves.toBeUndefined();
  });

  it('notes what somebody has published and could not note', async () => {
    const all = events(1, 3);
    ledger.commitEvents(creatorId, ...all);
    for (const event of all) await feed.append(creatorId, 'epoch-1', event);
    await relay.drain(creatorId);
    await settle();
    expect(ledger.publishedOf(creatorId)).toBe(3);
    expect(seqs()).toEqual([1, 2, 3]);
  });

  it('does not note what the feed did not take', async () => {
    ledger.commitEvents(creatorId, ...events(1, 3));
    feed.beforeAppend = ({ seq }) => {
      feed.away = seq === 2;
    };
    await relay.drain(creatorId);
    await settle();
    expect(ledger.publishedOf(creatorId)).toBe(0);
  });

  it('gives up a feed that keeps losing everything, instead of trying for ever', async () => {
    ledger.commitEvents(creatorId, ...events(1, 3));
    const forget = (): Promise<void> => feed.restore(creatorId, { position: { epoch: 'another', seq: 0 }, events: [], grants: [] });
    feed.beforeAppend = () => void forget();
    ledger.snapshot = () => Promise.resolve({ position: { epoch: 'epoch-1', seq: 0 }, events: [], grants: [] });
    await expect(relay.publish(creatorId)).rejects.toThrow(BrokerUnavailable);
  });
});
