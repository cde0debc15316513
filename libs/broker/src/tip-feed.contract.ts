import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Logger } from '@nestjs/common';
import {
  DEFAULT_OVERLAY_CONFIG,
  type ConfigEvent,
  type CreatorEvent,
  type FeedSignal,
  type FeedSnapshot,
  type TipFeed,
} from '@droppio/tips';
import { aCreatorId, aTipEvent } from '@droppio/tips/testing';
import { eventually } from './testing/eventually.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

/** One implementation under test. */
export interface FeedHouse {
  readonly feed: TipFeed;
  /** Another instance on the same store: another process. The same one where there is only one process. */
  readonly neighbour: TipFeed;
  close(): Promise<void>;
}

const EPOCH = 'epoch-1';

export function events(from: number, to: number): CreatorEvent[] {
  return Array.from({ length: to - from + 1 }, (_, i) => aTipEvent({ seq: from + i }));
}

export function aSnapshot(head: number, fields: Partial<FeedSnapshot> = {}): FeedSnapshot {
  return { position: { epoch: EPOCH, seq: head }, events: events(Math.max(1, head - 255), head), grants: [], ...fields };
}

function aConfigEvent(seq: number, overlayId: string, version: number): ConfigEvent {
  const d = { overlayId, version, enabled: true, config: DEFAULT_OVERLAY_CONFIG };
  return { seq, id: overlayId, type: 'config', at: { seen: 1_700_000_000_000 }, ttlMs: 60_000, d };
}

/** The promises of `TipFeed`, for every implementation. */
export function describeTipFeed(title: string, open: () => Promise<FeedHouse>): void {
  describe(title, () => {
    let house: FeedHouse;
    let feed: TipFeed;
    beforeAll(async () => {
      house = await open();
      feed = house.feed;
    });
    afterAll(() => house.close());

    /** A creator whose feed is at `head`. */
    async function aFeedAt(head: number): Promise<string> {
      const creatorId = aCreatorId();
      await feed.restore(creatorId, aSnapshot(head));
      return creatorId;
    }

    async function listen(
      creatorId: string,
      on: TipFeed = feed,
    ): Promise<{ heard: FeedSignal[]; seqs: () => number[]; close: () => Promise<void> }> {
      const heard: FeedSignal[] = [];
      const subscription = await on.subscribe(creatorId, (signal) => heard.push(signal));
      const seqs = (): number[] => heard.flatMap((signal) => (signal.kind === 'event' ? [signal.event.seq] : []));
      return { heard, seqs, close: () => subscription.close() };
    }

    describe('a creator it knows nothing of', () => {
      it('says so, whatever it is asked', async () => {
        const creatorId = aCreatorId();
        expect(await feed.position(creatorId)).toBeUndefined();
        expect(await feed.after(creatorId, 0, 10)).toBeUndefined();
        expect(await feed.grant(creatorId, randomUUID())).toBe('unknown');
        expect(await feed.append(creatorId, EPOCH, aTipEvent({ seq: 1 }))).toEqual({ kind: 'missing' });
      });
    });

    describe('append', () => {
      it('takes the next event, and gives back exactly what it took', async () => {
        const creatorId = await aFeedAt(0);
        const event = aTipEvent({ seq: 1, at: { block: 1, seen: 2, pub: 3 } });
        expect(await feed.append(creatorId, EPOCH, event)).toEqual({ kind: 'appended' });
        expect(await feed.position(creatorId)).toEqual({ epoch: EPOCH, seq: 1 });
        expect(await feed.after(creatorId, 0, 10)).toEqual({ position: { epoch: EPOCH, seq: 1 }, events: [event], complete: true });
      });

      it('keeps fields that a newer version has added', async () => {
        const creatorId = await aFeedAt(0);
        const event = { ...aTipEvent({ seq: 1 }), added: 'later' };
        await feed.append(creatorId, EPOCH, event);
        expect((await feed.after(creatorId, 0, 10))?.events).toEqual([event]);
      });

      it('keeps with each event when it was published and which trace it belongs to, live and for whoever comes later', async () => {
        const creatorId = await aFeedAt(0);
        const live = await listen(creatorId, house.neighbour);
        const trace = (n: number): string => `00-${'a'.repeat(32)}-${String(n).padStart(16, 'b')}-01`;
        const all = events(1, 40).map((event, n) => ({
          ...event,
          at: { ...event.at, pub: 1_700_000_000_000 + 7 * n },
          ...(n % 3 === 0 && { trace: trace(n) }),
        }));
        for (const event of all) await feed.append(creatorId, EPOCH, event);
        await eventually(() => {
          expect(live.heard).toEqual(all.map((event) => ({ kind: 'event', epoch: EPOCH, event })));
        });
        expect((await house.neighbour.after(creatorId, 0, 100))?.events).toEqual(all);
        await live.close();
      });

      it('refuses what it has already', async () => {
        const creatorId = await aFeedAt(3);
        const live = await listen(creatorId);
        expect(await feed.append(creatorId, EPOCH, aTipEvent({ seq: 2 }))).toEqual({ kind: 'duplicate', head: 3 });
        expect(await feed.append(creatorId, EPOCH, aTipEvent({ seq: 3 }))).toEqual({ kind: 'duplicate', head: 3 });
        await feed.append(creatorId, EPOCH, aTipEvent({ seq: 4 }));
        await eventually(() => {
          expect(live.seqs()).toEqual([4]);
        });
        await live.close();
      });

      it('refuses a hole and says where it is', async () => {
        const creatorId = await aFeedAt(3);
        expect(await feed.append(creatorId, EPOCH, aTipEvent({ seq: 5 }))).toEqual({ kind: 'gap', head: 3 });
        expect(await feed.position(creatorId)).toEqual({ epoch: EPOCH, seq: 3 });
      });

      it('takes another epoch for another stream', async () => {
        const creatorId = await aFeedAt(3);
        expect(await feed.append(creatorId, 'epoch-2', aTipEvent({ seq: 4 }))).toEqual({ kind: 'missing' });
        await feed.restore(creatorId, aSnapshot(1, { position: { epoch: 'epoch-2', seq: 1 }, events: events(1, 1) }));
        expect(await feed.position(creatorId)).toEqual({ epoch: 'epoch-2', seq: 1 });
        expect(await feed.append(creatorId, 'epoch-2', aTipEvent({ seq: 2 }))).toEqual({ kind: 'appended' });
      });

      it('lets exactly one of two appenders win each event, in order', async () => {
        const creatorId = await aFeedAt(0);
        const live = await listen(creatorId);
        const all = events(1, 50);
        const publish = async (by: TipFeed): Promise<string[]> => {
          const outcomes: string[] = [];
          for (const event of all) outcomes.push((await by.append(creatorId, EPOCH, event)).kind);
          return outcomes;
        };
        const [mine, theirs] = await Promise.all([publish(feed), publish(house.neighbour)]);
        for (const [i, outcome] of mine.entries()) expect([outcome, theirs[i]].sort()).toEqual(['appended', 'duplicate']);
        await eventually(() => {
          expect(live.seqs()).toHaveLength(50);
        });
        expect(live.seqs()).toEqual(all.map(({ seq }) => seq));
        expect((await feed.after(creatorId, 0, 100))?.events).toEqual(all);
        await live.close();
      });
    });

    describe('after', () => {
      it('gives what follows, up to the limit, and says where the head is', async () => {
        const creatorId = await aFeedAt(20);
        const page = await feed.after(creatorId, 5, 4);
        expect(page?.events.map(({ seq }) => seq)).toEqual([6, 7, 8, 9]);
        expect(page).toMatchObject({ position: { seq: 20 }, complete: true });
      });

      it('is complete and empty at the head, and beyond it', async () => {
        const creatorId = await aFeedAt(2);
        expect(await feed.after(creatorId, 2, 10)).toEqual({ position: { epoch: EPOCH, seq: 2 }, events: [], complete: true });
        expect(await feed.after(creatorId, 9, 10)).toEqual({ position: { epoch: EPOCH, seq: 2 }, events: [], complete: true });
      });

      it('keeps about 256 events and says when the asked ones are gone', async () => {
        const creatorId = await aFeedAt(0);
        for (const event of events(1, 600)) await feed.append(creatorId, EPOCH, event);
        expect(await feed.after(creatorId, 10, 5)).toEqual({ position: { epoch: EPOCH, seq: 600 }, events: [], complete: false });
        const kept = await feed.after(creatorId, 600 - 256, 1000);
        expect(kept?.events.map(({ seq }) => seq)).toEqual(events(345, 600).map(({ seq }) => seq));
        expect(kept?.complete).toBe(true);
      });

      it('knows that events before a restored head are not kept', async () => {
        const creatorId = aCreatorId();
        await feed.restore(creatorId, aSnapshot(9, { events: [] }));
        expect(await feed.after(creatorId, 3, 10)).toEqual({ position: { epoch: EPOCH, seq: 9 }, events: [], complete: false });
        expect(await feed.append(creatorId, EPOCH, aTipEvent({ seq: 10 }))).toEqual({ kind: 'appended' });
        expect((await feed.after(creatorId, 9, 10))?.events).toHaveLength(1);
        expect((await feed.after(creatorId, 8, 10))?.complete).toBe(false);
      });
    });

    describe('grants', () => {
      it('come with the restore and are replaced by config events', async () => {
        const creatorId = aCreatorId();
        const [known, later] = [randomUUID(), randomUUID()];
        const { d: grant } = aConfigEvent(1, known, 1);
        await feed.restore(creatorId, aSnapshot(1, { grants: [grant] }));
        expect(await feed.grant(creatorId, known)).toEqual(grant);
        expect(await feed.grant(creatorId, later)).toBeUndefined();
        await feed.append(creatorId, EPOCH, aConfigEvent(2, known, 2));
        await feed.append(creatorId, EPOCH, aConfigEvent(3, later, 1));
        expect(await feed.grant(creatorId, known)).toMatchObject({ version: 2 });
        expect(await feed.grant(creatorId, later)).toMatchObject({ version: 1 });
      });

      it('are not touched by a config event that is refused', async () => {
        const creatorId = aCreatorId();
        const overlayId = randomUUID();
        await feed.restore(creatorId, aSnapshot(5, { grants: [aConfigEvent(1, overlayId, 7).d] }));
        await feed.append(creatorId, EPOCH, aConfigEvent(4, overlayId, 1));
        await feed.append(creatorId, EPOCH, aConfigEvent(9, overlayId, 99));
        expect(await feed.grant(creatorId, overlayId)).toMatchObject({ version: 7 });
      });

      it('that a restore does not list are gone', async () => {
        const creatorId = aCreatorId();
        const overlayId = randomUUID();
        await feed.restore(creatorId, aSnapshot(1, { grants: [aConfigEvent(1, overlayId, 1).d] }));
        await feed.restore(creatorId, aSnapshot(1));
        expect(await feed.grant(creatorId, overlayId)).toBeUndefined();
      });
    });

    describe('restore', () => {
      it('changes nothing when somebody has appended meanwhile', async () => {
        const creatorId = await aFeedAt(2);
        const stale = aSnapshot(2);
        const event = aTipEvent({ seq: 3 });
        await feed.append(creatorId, EPOCH, event);
        const live = await listen(creatorId);
        await feed.restore(creatorId, stale);
        expect(await feed.position(creatorId)).toEqual({ epoch: EPOCH, seq: 3 });
        expect((await feed.after(creatorId, 2, 10))?.events).toEqual([event]);
        await feed.append(creatorId, EPOCH, aTipEvent({ seq: 4 }));
        await eventually(() => {
          expect(live.seqs()).toEqual([4]);
        });
        expect(live.heard.map(({ kind }) => kind)).toEqual(['event']);
        await live.close();
      });

      it('tells whoever listens', async () => {
        const creatorId = await aFeedAt(2);
        const live = await listen(creatorId);
        await feed.restore(creatorId, aSnapshot(4));
        await eventually(() => {
          expect(live.heard).toEqual([{ kind: 'restored', position: { epoch: EPOCH, seq: 4 } }]);
        });
        await live.close();
      });

      it('while others append never leaves a hole', async () => {
        const creatorId = await aFeedAt(1);
        const all = events(1, 60);
        const append = async (): Promise<void> => {
          for (const event of all.slice(1)) {
            expect(['appended', 'duplicate']).toContain((await feed.append(creatorId, EPOCH, event)).kind);
          }
        };
        const restore = async (): Promise<void> => {
          for (let head = 1; head <= 60; head += 7) {
            await house.neighbour.restore(creatorId, { position: { epoch: EPOCH, seq: head }, events: all.slice(0, head), grants: [] });
          }
        };
        await Promise.all([append(), restore()]);
        expect(await feed.after(creatorId, 0, 100)).toEqual({ position: { epoch: EPOCH, seq: 60 }, events: all, complete: true });
      });
    });

    describe('end', () => {
      const overlayId = randomUUID();
      const last = aSnapshot(5, { grants: [aConfigEvent(1, overlayId, 1).d] });
      const isEmpty = async (creatorId: string, position = last.position): Promise<void> => {
        expect(await feed.position(creatorId)).toEqual(position);
        expect((await feed.after(creatorId, 0, 10))?.events).toEqual([]);
        expect(await feed.grant(creatorId, overlayId)).toBeUndefined();
      };

      it('leaves the place alone, and tells whoever listens', async () => {
        const creatorId = aCreatorId();
        await feed.restore(creatorId, last);
        const live = await listen(creatorId);
        await feed.end(creatorId, last.position);
        await isEmpty(creatorId);
        await eventually(() => {
          expect(live.heard).toEqual([{ kind: 'restored', position: last.position }]);
        });
        await live.close();
      });

      it('holds against whoever has read the stream before it, also where nothing was known, or somebody found nobody there', async () => {
        const nobody = { epoch: 'nobody', seq: 0 };
        for (const before of [last, undefined]) {
          const creatorId = aCreatorId();
          if (before !== undefined) await feed.restore(creatorId, before);
          await feed.end(creatorId, last.position);
          await house.neighbour.restore(creatorId, last);
          await house.neighbour.restore(creatorId, aSnapshot(9));
          expect((await house.neighbour.append(creatorId, EPOCH, aTipEvent({ seq: 5 }))).kind).toBe('duplicate');
          await isEmpty(creatorId);
          await feed.restore(creatorId, { position: nobody, events: [], grants: [] });
          await house.neighbour.restore(creatorId, last);
          await isEmpty(creatorId, nobody);
        }
      });

      it('empties a feed that is further than its ledger, and leaves another epoch alone', async () => {
        const creatorId = await aFeedAt(9);
        await feed.end(creatorId, last.position);
        await isEmpty(creatorId);
        const next = aSnapshot(2, { position: { epoch: 'epoch-2', seq: 2 }, events: events(1, 2) });
        await feed.restore(creatorId, next);
        expect((await feed.after(creatorId, 0, 10))?.events).toEqual(next.events);
      });
    });

    describe('subscribe', () => {
      it('signals everything appended after it resolved, by whomever', async () => {
        const creatorId = await aFeedAt(0);
        const [mine, theirs] = await Promise.all([listen(creatorId), listen(creatorId, house.neighbour)]);
        for (const event of events(1, 10)) await house.neighbour.append(creatorId, EPOCH, event);
        for (const event of events(11, 20)) await feed.append(creatorId, EPOCH, event);
        await eventually(() => {
          expect(mine.seqs()).toHaveLength(20);
          expect(theirs.seqs()).toHaveLength(20);
        });
        expect(mine.seqs()).toEqual(events(1, 20).map(({ seq }) => seq));
        expect(theirs.seqs()).toEqual(mine.seqs());
        await Promise.all([mine.close(), theirs.close()]);
      });

      it('hears one creator only', async () => {
        const [creatorId, other] = [await aFeedAt(0), await aFeedAt(0)];
        const [live, others] = [await listen(creatorId), await listen(other)];
        await feed.append(other, EPOCH, aTipEvent({ seq: 1 }));
        await eventually(() => {
          expect(others.seqs()).toEqual([1]);
        });
        expect(live.heard).toEqual([]);
        await Promise.all([live.close(), others.close()]);
      });

      it('says nothing more after it is closed, and goes on for the others', async () => {
        const creatorId = await aFeedAt(0);
        const [left, stays] = [await listen(creatorId), await listen(creatorId)];
        await left.close();
        await feed.append(creatorId, EPOCH, aTipEvent({ seq: 1 }));
        await eventually(() => {
          expect(stays.seqs()).toEqual([1]);
        });
        expect(left.heard).toEqual([]);
        await stays.close();
      });

      it('works anew right after the last one left, however often', async () => {
        const creatorId = await aFeedAt(0);
        for (const event of events(1, 25)) {
          const live = await listen(creatorId);
          await feed.append(creatorId, EPOCH, event);
          await eventually(() => {
            expect(live.seqs()).toEqual([event.seq]);
          });
          await live.close();
        }
      });

      it('is not broken by a listener that throws', async () => {
        const creatorId = await aFeedAt(0);
        const bad = await feed.subscribe(creatorId, () => {
          throw new Error('a listener that should not');
        });
        const live = await listen(creatorId);
        for (const event of events(1, 3)) await feed.append(creatorId, EPOCH, event);
        await eventually(() => {
          expect(live.seqs()).toEqual([1, 2, 3]);
        });
        await Promise.all([bad.close(), live.close()]);
      });
    });

    it('answers a ping', async () => {
      await expect(feed.ping()).resolves.toBeUndefined();
    });
  });
}
