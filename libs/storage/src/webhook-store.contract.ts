import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  DEFAULT_WEBHOOK_EVENT_TYPES,
  InvalidCursor,
  MOST_WEBHOOKS,
  NotFound,
  PreconditionFailed,
  TooManyWebhooks,
  type NewWebhook,
  type Webhook,
} from '@droppio/tips';
import { aTipEvent } from '@droppio/tips/testing';
import { aCreator } from './testing/chain-story.js';
import { tellEvents } from './testing/index.js';
import type { WebhookHouse } from './webhook-outbox.contract.js';

const STRANGER = '00000000-0000-4000-8000-000000000000';

/** The promises of `WebhookStore`. */
export function describeWebhookStore(where: string, make: () => Promise<WebhookHouse>): void {
  describe(`WebhookStore on ${where}`, () => {
    let house: WebhookHouse;
    let creatorId: string;
    let otherId: string;

    beforeAll(async () => {
      house = await make();
    });
    afterAll(() => house.storage.drop());
    beforeEach(async () => {
      creatorId = (await aCreator(house.storage, 1)).id;
      otherId = (await aCreator(house.storage, 1)).id;
    });

    const given = (fields: Partial<NewWebhook> = {}): NewWebhook => ({
      id: randomUUID(),
      creatorId,
      url: 'https://hooks.example.com/a',
      description: 'mine',
      types: DEFAULT_WEBHOOK_EVENT_TYPES,
      secret: Buffer.from('sealed'),
      ...fields,
    });
    const secretsOf = async (id: string): Promise<string[]> => {
      const claim = await house.outbox.claim(id, { most: 1, leaseMs: 0 });
      return claim === undefined || claim === 'slow' ? [] : claim.secrets.map((secret) => Buffer.from(secret).toString());
    };
    const aWebhook = (fields: Partial<NewWebhook> = {}): Promise<Webhook> => house.store.create(given(fields));

    it('lists the webhooks of their creator, oldest first, without their secrets', async () => {
      const [first, second] = [await aWebhook(), await aWebhook({ description: 'other' })];
      expect(await house.store.webhooks(creatorId)).toEqual([first, second]);
      expect(first).toMatchObject({ creatorId, url: 'https://hooks.example.com/a', description: 'mine', version: 1 });
      expect(JSON.stringify(first)).not.toMatch(/sealed|secret/);
      expect(await house.store.webhooks(otherId)).toEqual([]);
    });

    it('makes no more than there may be, also when many are made at once', async () => {
      const made = await Promise.allSettled(Array.from({ length: MOST_WEBHOOKS + 5 }, () => aWebhook()));
      expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(MOST_WEBHOOKS);
      await expect(aWebhook()).rejects.toThrow(TooManyWebhooks);
      await expect(aWebhook({ creatorId: STRANGER })).rejects.toThrow(NotFound);
      await aWebhook({ creatorId: otherId });
    });

    it('changes what is named, for the expected version only, and raises it', async () => {
      const { id } = await aWebhook();
      const changed = await house.store.change(creatorId, id, [1], { url: 'https://hooks.example.com/b', enabled: false });
      expect(changed).toMatchObject({ url: 'https://hooks.example.com/b', description: 'mine', disabledReason: 'asked', version: 2 });
      await expect(house.store.change(creatorId, id, [1], { description: '' })).rejects.toThrow(PreconditionFailed);
      expect(await house.store.change(creatorId, id, 'any', { enabled: true })).not.toHaveProperty('disabledReason');
      const racers = await Promise.allSettled(
        Array.from({ length: 5 }, () => house.store.change(creatorId, id, [3], { description: 'x' })),
      );
      expect(racers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('keeps the secret before for a while when it is rotated', async () => {
      const { id } = await aWebhook();
      const rotated = await house.store.rotate(creatorId, id, Buffer.from('newer'), 60_000);
      expect(rotated.oldSecretUntil?.getTime()).toBeGreaterThan(Date.now() + 50_000);
      await house.store.trial(creatorId, id);
      expect(await secretsOf(id)).toEqual(['newer', 'sealed']);
      await house.store.rotate(creatorId, id, Buffer.from('newest'), 0);
      expect(await secretsOf(id)).toEqual(['newest']);
    });

    it('lets nobody near the webhooks of another', async () => {
      const { id } = await aWebhook();
      const { id: delivery } = await house.store.trial(creatorId, id);
      for (const who of [otherId, STRANGER, 'nobody']) {
        expect(await house.store.webhook(who, id)).toBeUndefined();
        expect(await house.store.remove(who, id)).toBe(false);
        await expect(house.store.change(who, id, 'any', { enabled: false })).rejects.toThrow(NotFound);
        await expect(house.store.rotate(who, id, Buffer.from('x'), 0)).rejects.toThrow(NotFound);
        await expect(house.store.trial(who, id)).rejects.toThrow(NotFound);
        await expect(house.store.redeliver(who, id, delivery)).rejects.toThrow(NotFound);
        await expect(house.store.deliveries({ creatorId: who, webhookId: id, limit: 10 })).rejects.toThrow(NotFound);
      }
      const own = await aWebhook({ creatorId: otherId });
      await expect(house.store.redeliver(otherId, own.id, delivery)).rejects.toThrow(NotFound);
      await expect(house.store.redeliver(creatorId, id, 'nothing')).rejects.toThrow(NotFound);
    });

    it('pages through deliveries, newest first, each once, while new ones come', async () => {
      const { id } = await aWebhook();
      const tell = (count: number) =>
        tellEvents(
          house.storage.database,
          creatorId,
          Array.from({ length: count }, () => aTipEvent()),
        );
      await tell(25);
      await house.outbox.plan(creatorId, 100);
      const seqs: (number | undefined)[] = [];
      let cursor: string | undefined;
      do {
        const page = await house.store.deliveries({ creatorId, webhookId: id, limit: 10, ...(cursor === undefined ? {} : { cursor }) });
        seqs.push(...page.deliveries.map(({ seq }) => seq));
        cursor = page.next;
        await tell(3);
        await house.outbox.plan(creatorId, 100);
      } while (cursor !== undefined);
      expect(seqs).toEqual(Array.from({ length: 25 }, (_, i) => 25 - i));
      const ofState = async (state: 'pending' | 'delivered') =>
        (await house.store.deliveries({ creatorId, webhookId: id, limit: 200, state })).deliveries.length;
      expect([await ofState('pending'), await ofState('delivered')]).toEqual([34, 0]);
      await expect(house.store.deliveries({ creatorId, webhookId: id, limit: 1, cursor: 'bm90aGluZw' })).rejects.toThrow(InvalidCursor);
    });

    it('takes its deliveries along when it is removed', async () => {
      const { id } = await aWebhook();
      await house.store.trial(creatorId, id);
      expect(await house.store.remove(creatorId, id)).toBe(true);
      expect(await house.store.remove(creatorId, id)).toBe(false);
      expect(await house.outbox.claim(id, { most: 1, leaseMs: 0 })).toBeUndefined();
      const left: unknown = await house.storage.database.source.query('SELECT id FROM webhook_deliveries WHERE webhook_id = $1', [id]);
      expect(left).toEqual([]);
    });
  });
}
