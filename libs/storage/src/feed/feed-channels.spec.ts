import { setImmediate as turn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { BrokerUnavailable, type FeedSignal } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import { FeedChannels } from './feed-channels.js';
import type { FoundPosition, StoredPage } from './feed-store.js';

Logger.overrideLogger(false);

const NEVER = { askEveryMs: 3_600_000, askDeafEveryMs: 3_600_000 };
const [GENERATION, EPOCH] = ['g', 'e'];

/** Feeds of which nothing is known but how far they are; whoever asks for too much of it, or for what is broken, is noted. */
class SlowStore {
  readonly asked: string[][] = [];
  readonly used: string[] = [];
  readonly heads = new Map<string, number>();
  broken: string | undefined;
  reads = 0;
  mostAtOnce = 0;
  private atOnce = 0;

  position(creatorId: string) {
    return Promise.resolve({ epoch: EPOCH, generation: GENERATION, seq: this.heads.get(creatorId) ?? 0 });
  }

  positions(creatorIds: readonly string[]): Promise<ReadonlyMap<string, FoundPosition>> {
    this.asked.push([...creatorIds]);
    if (this.broken !== undefined && creatorIds.includes(this.broken)) return Promise.reject(new BrokerUnavailable('not these'));
    const found = (id: string): FoundPosition => ({ generation: GENERATION, seq: this.heads.get(id) ?? 0, rests: id === 'c7' });
    return Promise.resolve(new Map(creatorIds.map((id) => [id, found(id)])));
  }

  use(creatorIds: readonly string[]): Promise<void> {
    this.used.push(...creatorIds);
    return Promise.resolve();
  }

  async page(creatorId: string): Promise<StoredPage> {
    this.reads += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, (this.atOnce += 1));
    await turn();
    this.atOnce -= 1;
    return { position: { epoch: EPOCH, seq: this.heads.get(creatorId) ?? 0 }, generation: GENERATION, events: [], complete: false };
  }
}

async function channelsOf(creators: number) {
  const store = new SlowStore();
  const doubts: number[] = [];
  const channels = new FeedChannels(store, { found: () => undefined }, NEVER, { isOpen: true, doubt: () => doubts.push(1) });
  const heard = new Map<string, FeedSignal[]>();
  const leave = new Map<string, () => Promise<void>>();
  for (let n = 0; n < creators; n += 1) {
    const signals: FeedSignal[] = [];
    heard.set(`c${String(n)}`, signals);
    const subscription = await channels.subscribe(`c${String(n)}`, (signal) => signals.push(signal));
    leave.set(`c${String(n)}`, () => subscription.close());
  }
  const settled = async (): Promise<void> => {
    for (let reads = -1; reads !== store.reads;) {
      reads = store.reads;
      await turn();
      await turn();
    }
  };
  return { store, channels, heard, leave, doubts, settled };
}

describe(`${FeedChannels.name}, asking for what was not told`, () => {
  it('goes on after those that could not be asked for, so that they are in nobody’s way the next time', async () => {
    const { store, channels } = await channelsOf(2500);
    store.broken = 'c10';
    for (let round = 0; round < 3; round += 1) await channels.ask();
    const counts = new Map<string, number>();
    for (const id of store.asked.flat()) counts.set(id, (counts.get(id) ?? 0) + 1);
    expect(store.asked[0]).toContain('c10');
    expect(Math.max(...store.asked.map(({ length }) => length))).toBe(1000);
    expect(counts.size).toBe(2500);
    await channels.close();
  });

  it('asks for each once, and not for anybody twice', async () => {
    const { store, channels, doubts } = await channelsOf(2500);
    await channels.ask();
    await channels.ask();
    expect(store.asked.flat().length).toBe(5000);
    expect(new Set(store.asked.slice(3).flat()).size).toBe(2500);
    expect(doubts).toEqual([]);
    expect(store.used).toEqual(['c7', 'c7']);
    await channels.close();
  });

  it('reads a few at a time, however many have gone on, and nothing for whoever has left', async () => {
    const { store, channels, heard, leave, doubts, settled } = await channelsOf(300);
    for (const id of heard.keys()) store.heads.set(id, 1);
    await channels.ask();
    for (let n = 100; n < 300; n += 1) await leave.get(`c${String(n)}`)?.();
    await settled();
    expect(store.mostAtOnce).toBe(4);
    expect(store.reads).toBeLessThan(110);
    for (let n = 0; n < 100; n += 1) expect(heard.get(`c${String(n)}`)).toEqual([{ kind: 'reconnected' }]);
    // Words got lost: whoever listens has to prove that he hears.
    expect(doubts).toHaveLength(300);
    await channels.close();
  });

  it('reads as few at a time when all are told of at once', async () => {
    const { store, channels, heard, settled } = await channelsOf(100);
    for (const id of heard.keys()) {
      store.heads.set(id, 1);
      channels.wake(id, 1);
    }
    await settled();
    expect(store.mostAtOnce).toBe(4);
    expect(store.reads).toBe(100);
    await channels.close();
  });
});
