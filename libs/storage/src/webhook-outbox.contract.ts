import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Attempted, Claim, CreatorEvent, Round, WebhookChange, WebhookEventType, WebhookOutbox, WebhookStore } from '@droppio/tips';
import { DEFAULT_WEBHOOK_EVENT_TYPES, WEBHOOK_EVENT_TYPES } from '@droppio/tips';
import { aDisplay, aTipEvent } from '@droppio/tips/testing';
import { aCreator } from './testing/chain-story.js';
import { tellEvents, type TestStorage } from './testing/index.js';

export interface WebhookHouse {
  readonly storage: TestStorage;
  readonly store: WebhookStore;
  readonly outbox: WebhookOutbox;
}

const LEASE = { most: 10, leaseMs: 30_000 };
const HOUR = 3_600_000;

/** The promises of `WebhookOutbox`. */
export function describeWebhookOutbox(where: string, make: () => Promise<WebhookHouse>): void {
  describe(`WebhookOutbox on ${where}`, () => {
    let house: WebhookHouse;
    let creatorId: string;

    beforeAll(async () => {
      house = await make();
    });
    afterAll(() => house.storage.drop());
    beforeEach(async () => {
      creatorId = (await aCreator(house.storage, 1)).id;
    });

    const aWebhook = async (types: readonly WebhookEventType[] = DEFAULT_WEBHOOK_EVENT_TYPES, of = creatorId): Promise<string> => {
      const given = { url: 'https://hooks.example.com/', description: '', types, secret: Buffer.from([0, 0, 0, 1, 9]) };
      return (await house.store.create({ id: randomUUID(), creatorId: of, ...given })).id;
    };
    const change = (id: string, wanted: WebhookChange) => house.store.change(creatorId, id, 'any', wanted);
    const tell = (...events: CreatorEvent[]): Promise<void> => tellEvents(house.storage.database, creatorId, events);
    const tips = (count: number): CreatorEvent[] => Array.from({ length: count }, () => aTipEvent());
    const logOf = async (id: string) => (await house.store.deliveries({ creatorId, webhookId: id, limit: 200 })).deliveries;
    const seqsOf = async (id: string) => (await logOf(id)).map(({ seq }) => seq).sort((a = 0, b = 0) => a - b);
    const claim = async (id: string, options = LEASE): Promise<Claim> => {
      const claimed = await house.outbox.claim(id, options);
      if (claimed === undefined || claimed === 'slow') throw new Error('nothing to claim');
      return claimed;
    };
    const round = (claimed: Claim, fields: Partial<Attempted>, more: Partial<Round> = {}): Round => ({
      attempts: claimed.deliveries.map(({ id, attempt }) => ({
        deliveryId: id,
        attempt,
        outcome: 'delivered',
        tookMs: 5,
        ...fields,
      })),
      isGone: false,
      restsMs: [0],
      disableAfterMs: 72 * HOUR,
      ...more,
    });
    const retry = { outcome: 'retry', fault: 'refused', status: 500, retryInMs: 0 } as const;
    const sql = (statement: string, id: string): Promise<void> => house.storage.database.run(statement, [id]);

    it('plans each event once for every webhook, from its creation on, whoever plans at the same time', async () => {
      await tell(...tips(3));
      const first = await aWebhook();
      await tell(...tips(20));
      const second = await aWebhook();
      await tell(...tips(20));
      const planners = Array.from({ length: 6 }, async () => {
        for (let more = true; more;) ({ more } = await house.outbox.plan(creatorId, 7));
      });
      await Promise.all([...planners, tell(...tips(5))]);
      while ((await house.outbox.plan(creatorId, 50)).more);
      expect(await seqsOf(first)).toEqual(Array.from({ length: 45 }, (_, i) => i + 4));
      expect(await seqsOf(second)).toEqual(Array.from({ length: 25 }, (_, i) => i + 24));
    });

    it('names events by what happened to the tip, and leaves out what nobody asked for', async () => {
      const [usual, all] = [await aWebhook(), await aWebhook(WEBHOOK_EVENT_TYPES)];
      const at = { seen: 1 };
      await tell(
        aTipEvent({ state: 'seen' }),
        aTipEvent({ type: 'tip.updated', state: 'confirmed' }),
        aTipEvent({ type: 'tip.updated', state: 'safe' }),
        aTipEvent({ type: 'tip.updated', state: 'finalized' }),
        aTipEvent({ type: 'tip.retracted', state: 'orphaned' }),
        { seq: 0, id: 'a', at, ttlMs: 1, type: 'test', d: aDisplay() },
        {
          seq: 0,
          id: 'b',
          at,
          ttlMs: 1,
          type: 'config',
          d: { overlayId: 'b', version: 1, enabled: true, config: { schemaVersion: 1 } },
        },
        { seq: 0, id: 'c', at, ttlMs: 1, type: 'control', d: { action: 'skip' } },
      );
      expect(await house.outbox.plan(creatorId, 100)).toMatchObject({ count: 13, more: false });
      expect((await logOf(all)).map(({ type }) => type).reverse()).toEqual(WEBHOOK_EVENT_TYPES);
      expect((await logOf(usual)).map(({ type }) => type).reverse()).toEqual(DEFAULT_WEBHOOK_EVENT_TYPES);
    });

    it('gives the same event the same id for every webhook, and another event another one', async () => {
      const [one, other] = [await aWebhook(), await aWebhook()];
      await tell(...tips(2));
      await house.outbox.plan(creatorId, 100);
      const ids = async (id: string) => (await logOf(id)).map(({ eventId }) => eventId);
      expect(await ids(one)).toEqual(await ids(other));
      expect(new Set(await ids(one)).size).toBe(2);
      expect((await ids(one)).every((id) => /^[\w-]+-\d+$/.test(id))).toBe(true);
    });

    it('tells which creators listen, and which of them have events to plan', async () => {
      const id = await aWebhook();
      const quiet = (await aCreator(house.storage, 1)).id;
      await aWebhook(DEFAULT_WEBHOOK_EVENT_TYPES, quiet);
      await tell(...tips(1));
      const all = async (): Promise<Map<string, boolean>> => {
        const found = new Map<string, boolean>();
        for (let after: string | undefined; ;) {
          const page = await house.outbox.listeners(after, 2);
          for (const { creatorId: listener, isBehind } of page) found.set(listener, isBehind);
          after = page.at(-1)?.creatorId;
          if (after === undefined) return found;
        }
      };
      const before = await all();
      expect([before.get(creatorId), before.get(quiet)]).toEqual([true, false]);
      await house.outbox.plan(creatorId, 100);
      expect((await all()).get(creatorId)).toBe(false);
      await change(id, { enabled: false });
      expect((await all()).has(creatorId)).toBe(false);
    });

    it('hands out each delivery to one of many, so many at a time as may be in flight', async () => {
      const id = await aWebhook();
      await tell(...tips(30));
      const planned = await house.outbox.plan(creatorId, 100);
      expect(planned.due).toEqual([{ webhookId: id, isSlow: false }]);
      const claims = await Promise.all(Array.from({ length: 8 }, () => house.outbox.claim(id, { most: 4, leaseMs: 30_000 })));
      const won = claims.flatMap((each) => (each === undefined || each === 'slow' ? [] : [each]));
      const claimed = won.flatMap((each) => each.deliveries);
      expect(claimed).toHaveLength(4);
      expect(new Set(claimed.map((each) => each.id)).size).toBe(4);
      expect(claimed[0]).toMatchObject({ attempt: 1, isTrial: false, event: { type: 'tip', seq: 1 } });
      const [winner] = won;
      if (winner === undefined) throw new Error('nobody claimed anything');
      await house.outbox.record(id, round(winner, {}));
      expect((await claim(id, { most: 4, leaseMs: 30_000 })).deliveries.map(({ event }) => event?.seq)).toEqual([5, 6, 7, 8]);
    });

    it('hands a delivery out again when whoever claimed it is never heard of, and counts his late word only if it was delivered', async () => {
      const id = await aWebhook();
      await tell(...tips(1));
      await house.outbox.plan(creatorId, 100);
      const dead = await claim(id, { most: 1, leaseMs: 0 });
      const next = await claim(id, { most: 1, leaseMs: 30_000 });
      expect(next.deliveries[0]).toMatchObject({ eventId: dead.deliveries[0]?.eventId, attempt: 2 });
      await house.outbox.record(id, round(dead, { ...retry, retryInMs: HOUR }));
      expect((await logOf(id))[0]?.nextAt?.getTime()).toBeLessThan(Date.now() + HOUR / 2);
      await house.outbox.record(id, round(dead, {}));
      await house.outbox.record(id, round(next, { outcome: 'failed' }));
      expect((await logOf(id))[0]).toMatchObject({ state: 'delivered', attempts: 2 });
    });

    it('is overdue for the sweep whatever was lost, until there is nothing to do', async () => {
      const id = await aWebhook();
      const isDue = async () => (await house.outbox.due(0, 1000)).some(({ webhookId }) => webhookId === id);
      expect(await isDue()).toBe(false);
      await tell(...tips(1));
      await house.outbox.plan(creatorId, 100);
      expect(await isDue()).toBe(true);
      const claimed = await claim(id);
      expect(await isDue()).toBe(false);
      const outcome = await house.outbox.record(id, round(claimed, { ...retry, retryInMs: 60_000 }));
      expect(outcome.dueInMs).toBeGreaterThan(50_000);
      expect(await isDue()).toBe(false);
      await sql('UPDATE webhook_deliveries SET next_at = now() WHERE webhook_id = $1', id);
      await sql('UPDATE webhooks SET wake_at = now() WHERE id = $1', id);
      expect(await isDue()).toBe(true);
      expect(await house.outbox.record(id, round(await claim(id), {}))).toEqual({ isSlow: false });
      expect(await isDue()).toBe(false);
    });

    it('keeps a webhook that fails at rest, longer each time, one attempt at once, and forgets it all with the first success', async () => {
      const id = await aWebhook();
      await tell(...tips(5));
      await house.outbox.plan(creatorId, 100);
      const rests = { restsMs: [0, 60_000] };
      const first = await house.outbox.record(id, round(await claim(id), retry, rests));
      expect(first).toMatchObject({ isSlow: true, dueInMs: 0 });
      expect(await house.outbox.claim(id, { ...LEASE, onlyQuick: true })).toBe('slow');
      const probe = await claim(id);
      expect(probe.deliveries).toHaveLength(1);
      expect((await house.outbox.record(id, round(probe, retry, rests))).dueInMs).toBeGreaterThan(50_000);
      await tell(...tips(1));
      expect((await house.outbox.plan(creatorId, 100)).due).toEqual([]);
      expect(await house.outbox.claim(id, LEASE)).toBeUndefined();
      await sql('UPDATE webhooks SET rests_until = now(), wake_at = now() WHERE id = $1', id);
      expect(await house.outbox.record(id, round(await claim(id), {}, rests))).toEqual({ isSlow: false, dueInMs: 0 });
      expect((await claim(id)).deliveries).toHaveLength(5);
    });

    it('rests as long as the other side asks', async () => {
      const id = await aWebhook();
      await tell(...tips(1));
      await house.outbox.plan(creatorId, 100);
      const { dueInMs } = await house.outbox.record(id, round(await claim(id), retry, { askedRestMs: HOUR }));
      expect(dueInMs).toBeGreaterThan(HOUR - 10_000);
    });

    it('disables what has failed for too long, or is gone, says so once, and sends no more', async () => {
      const [failing, gone] = [await aWebhook(), await aWebhook()];
      await tell(...tips(2));
      await house.outbox.plan(creatorId, 100);
      await house.outbox.record(failing, round(await claim(failing), retry));
      await sql(`UPDATE webhooks SET failing_since = now() - interval '73 hours' WHERE id = $1`, failing);
      const late = await claim(failing);
      expect(await house.outbox.record(failing, round(late, retry))).toMatchObject({ disabled: 'failing' });
      expect(await house.outbox.record(failing, round(late, retry))).not.toHaveProperty('disabled');
      expect(await house.outbox.record(gone, round(await claim(gone), retry, { isGone: true }))).toMatchObject({ disabled: 'gone' });
      await tell(...tips(1));
      expect(await house.outbox.plan(creatorId, 100)).toEqual({ due: [], count: 0, more: false });
      for (const id of [failing, gone]) expect(await house.outbox.claim(id, LEASE)).toBeUndefined();
      expect(await house.store.webhook(creatorId, gone)).toMatchObject({ disabledReason: 'gone' });
    });

    it('disables one whose only delivery was given up a little before the time is over', async () => {
      const [early, single] = [await aWebhook(), await aWebhook()];
      await tell(...tips(1));
      await house.outbox.plan(creatorId, 100);
      for (const [id, hours] of [
        [early, '56'],
        [single, '60'],
      ] as const) {
        await house.outbox.record(id, round(await claim(id), retry));
        await sql(`UPDATE webhooks SET failing_since = now() - interval '${hours} hours' WHERE id = $1`, id);
      }
      const givenUp = { ...retry, outcome: 'failed' } as const;
      expect(await house.outbox.record(early, round(await claim(early), givenUp))).not.toHaveProperty('disabled');
      expect(await house.outbox.record(single, round(await claim(single), givenUp))).toMatchObject({ disabled: 'failing' });
    });

    it.each<[string, (id: string) => Promise<unknown>]>([
      ['another event', () => tell(...tips(1)).then(() => house.outbox.plan(creatorId, 100))],
      ['a trial', (id) => house.store.trial(creatorId, id)],
      ['a delivery wanted again', async (id) => house.store.redeliver(creatorId, id, (await logOf(id))[0]?.id ?? '')],
    ])('does not count the time in which there was nothing to send, until %s', async (_what, send) => {
      const id = await aWebhook();
      await tell(...tips(1));
      await house.outbox.plan(creatorId, 100);
      await house.outbox.record(id, round(await claim(id), { ...retry, outcome: 'failed' }));
      await sql(`UPDATE webhooks SET failing_since = now() - interval '10 days', rests_until = now() WHERE id = $1`, id);
      await send(id);
      expect(await house.outbox.record(id, round(await claim(id), retry))).not.toHaveProperty('disabled');
      await sql(`UPDATE webhooks SET failing_since = now() - interval '73 hours', rests_until = now() WHERE id = $1`, id);
      await tell(...tips(1));
      await house.outbox.plan(creatorId, 100);
      await sql('UPDATE webhooks SET wake_at = now() WHERE id = $1', id);
      expect(await house.outbox.record(id, round(await claim(id), retry))).toMatchObject({ disabled: 'failing' });
    });

    it('goes on with all that was missed when enabled again, or from now on', async () => {
      const [patient, hasty] = [await aWebhook(), await aWebhook()];
      await tell(...tips(2));
      await house.outbox.plan(creatorId, 100);
      for (const id of [patient, hasty]) {
        await house.outbox.record(id, round(await claim(id), retry, { isGone: true }));
      }
      await tell(...tips(3));
      await change(patient, { enabled: true });
      await change(hasty, { enabled: true, resume: 'now' });
      await house.outbox.plan(creatorId, 100);
      await tell(...tips(1));
      await house.outbox.plan(creatorId, 100);
      expect((await claim(patient)).deliveries.map(({ event }) => event?.seq)).toEqual([1, 2, 3, 4, 5, 6]);
      expect((await claim(hasty)).deliveries.map(({ event }) => event?.seq)).toEqual([6]);
      expect((await logOf(hasty)).map(({ state, lastFault }) => [state, lastFault])).toEqual([
        ['pending', undefined],
        ['failed', 'skipped'],
        ['failed', 'skipped'],
      ]);
    });

    it('tells of a trial and of a delivery that is wanted again at once, though the webhook rests', async () => {
      const id = await aWebhook();
      await tell(...tips(1));
      await house.outbox.plan(creatorId, 100);
      await house.outbox.record(id, round(await claim(id), { ...retry, outcome: 'failed' }, { restsMs: [HOUR] }));
      const trial = await house.store.trial(creatorId, id);
      const probe = await claim(id);
      expect(probe.deliveries).toMatchObject([{ id: trial.id, isTrial: true, eventId: trial.eventId }]);
      await house.outbox.record(id, round(probe, {}));
      const [failed] = (await logOf(id)).filter(({ state }) => state === 'failed');
      const again = await house.store.redeliver(creatorId, id, failed?.id ?? '');
      expect(again).toMatchObject({ state: 'pending', attempts: 0, eventId: failed?.eventId });
      expect((await claim(id)).deliveries).toMatchObject([{ id: failed?.id, attempt: 1 }]);
    });

    it('leaves a delivery that is wanted again to whoever is attempting it', async () => {
      const id = await aWebhook();
      await house.store.trial(creatorId, id);
      const claimed = await claim(id);
      const again = await house.store.redeliver(creatorId, id, claimed.deliveries[0]?.id ?? '');
      expect(again).toMatchObject({ state: 'pending', attempts: 1 });
      expect(await house.outbox.claim(id, LEASE)).toBeUndefined();
    });

    it('has no event for a delivery whose event was deleted, and goes on with the others', async () => {
      const id = await aWebhook();
      await tell(...tips(2));
      await house.outbox.plan(creatorId, 100);
      await sql('DELETE FROM creator_events WHERE creator_id = $1 AND seq = 1', creatorId);
      const { deliveries } = await claim(id);
      expect(deliveries.map(({ event, isTrial }) => [event?.seq, isTrial])).toEqual([
        [undefined, false],
        [2, false],
      ]);
    });

    it('deletes old deliveries, oldest first, so many at a time', async () => {
      const id = await aWebhook();
      await tell(...tips(5));
      await house.outbox.plan(creatorId, 100);
      await sql(`UPDATE webhook_deliveries SET created_at = now() - seq * interval '10 days' WHERE webhook_id = $1`, id);
      expect(await house.outbox.purge(24 * 25 * HOUR, 2)).toBe(2);
      expect(await seqsOf(id)).toEqual([1, 2, 3]);
      expect(await house.outbox.purge(24 * 25 * HOUR, 2)).toBe(1);
      expect(await house.outbox.purge(24 * 25 * HOUR, 2)).toBe(0);
    });

    it('finds secrets of other keys, and replaces those that were not rotated meanwhile', async () => {
      const id = await aWebhook();
      const all = async () => (await house.outbox.sealedOtherwise(2, undefined, 1000)).find(({ webhookId }) => webhookId === id);
      const found = await all();
      if (found === undefined) throw new Error('not found');
      expect(Buffer.from(found.secret)).toEqual(Buffer.from([0, 0, 0, 1, 9]));
      await house.store.rotate(creatorId, id, Buffer.from([0, 0, 0, 2, 7]), HOUR);
      await house.outbox.reseal(found, { webhookId: id, secret: Buffer.from([0, 0, 0, 2, 9]) });
      const rotated = await all();
      expect(Buffer.from(rotated?.secret ?? [])).toEqual(Buffer.from([0, 0, 0, 2, 7]));
      if (rotated === undefined) throw new Error('the old secret is not found');
      await house.outbox.reseal(rotated, { ...rotated, oldSecret: Buffer.from([0, 0, 0, 2, 9]) });
      expect(await all()).toBeUndefined();
    });
  });
}
