import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeptAnswer, KeyClaim, KeyedRequest } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { aCreator } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const hash = (): Buffer => Buffer.from(randomHex(32).slice(2), 'hex');
const ANSWER: KeptAnswer = { status: 201, body: '{"id":"1"}', headers: { etag: '"v1"' } };

export function describeIdempotencyKeys(where: string, make: () => Promise<TestStorage>): void {
  describe(`IdempotencyKeys on ${where}`, () => {
    let storage: TestStorage;
    let creatorId: string;
    let otherId: string;

    beforeAll(async () => {
      storage = await make();
      creatorId = (await aCreator(storage, 1)).id;
      otherId = (await aCreator(storage, 1)).id;
    });
    afterAll(async () => {
      await storage.drop();
    });

    const aRequest = (fields: Partial<KeyedRequest> = {}): KeyedRequest => ({ creatorId, keyHash: hash(), fingerprint: hash(), ...fields });
    const age = (request: KeyedRequest, column: 'created_at' | 'claimed_at', interval: string) =>
      storage.database.run(`UPDATE idempotency_keys SET ${column} = now() - $3::interval WHERE creator_id = $1 AND key_hash = $2`, [
        request.creatorId,
        Buffer.from(request.keyHash),
        interval,
      ]);
    const claimed = async (request: KeyedRequest): Promise<string> => {
      const claim = await storage.idempotency.claim(request);
      if (claim.kind !== 'ours') throw new Error(`the key is ${claim.kind}`);
      return claim.owner;
    };

    it('gives a key to one of many at once', async () => {
      const request = aRequest();
      const claims = await Promise.all(Array.from({ length: 40 }, () => storage.idempotency.claim(request)));
      const kinds = claims.map(({ kind }: KeyClaim) => kind);
      expect(kinds.filter((kind) => kind === 'ours')).toHaveLength(1);
      expect(new Set(kinds)).toEqual(new Set(['ours', 'running']));
    });

    it('repeats the answer to the same request, and to no other', async () => {
      const request = aRequest();
      await storage.idempotency.complete(request, await claimed(request), ANSWER);
      expect(await storage.idempotency.claim(request)).toEqual({ kind: 'answered', answer: ANSWER });
      expect(await storage.idempotency.claim({ ...request, fingerprint: hash() })).toEqual({ kind: 'other' });
      expect(await storage.idempotency.claim({ ...request, creatorId: otherId })).toMatchObject({ kind: 'ours' });
    });

    it('repeats an answer without a body, and says of one that was not kept that it was done', async () => {
      const [empty, secret] = [aRequest(), aRequest()];
      await storage.idempotency.complete(empty, await claimed(empty), { status: 204, headers: {} });
      expect(await storage.idempotency.claim(empty)).toEqual({ kind: 'answered', answer: { status: 204, headers: {} } });
      await storage.idempotency.complete(secret, await claimed(secret));
      expect(await storage.idempotency.claim(secret)).toEqual({ kind: 'done' });
    });

    it('gives a freed key to the next', async () => {
      const request = aRequest();
      await storage.idempotency.free(request, await claimed(request));
      expect(await storage.idempotency.claim({ ...request, fingerprint: hash() })).toMatchObject({ kind: 'ours' });
    });

    it('hands the key of a dead owner to one of many after a minute, who alone may answer for it', async () => {
      const request = aRequest();
      const dead = await claimed(request);
      await age(request, 'claimed_at', '59 seconds');
      expect(await storage.idempotency.claim(request)).toEqual({ kind: 'running' });
      await age(request, 'claimed_at', '61 seconds');
      expect(await storage.idempotency.claim({ ...request, fingerprint: hash() })).toEqual({ kind: 'other' });
      const claims = await Promise.all(Array.from({ length: 20 }, () => storage.idempotency.claim(request)));
      const heirs = claims.filter((claim) => claim.kind === 'ours');
      expect(heirs).toHaveLength(1);
      await storage.idempotency.complete(request, dead, { ...ANSWER, body: 'too late' });
      await storage.idempotency.free(request, dead);
      expect(await storage.idempotency.claim(request)).toEqual({ kind: 'running' });
      await storage.idempotency.complete(request, heirs[0]?.owner ?? '', ANSWER);
      expect(await storage.idempotency.claim(request)).toEqual({ kind: 'answered', answer: ANSWER });
    });

    it('forgets keys after a day, a few with each claim', async () => {
      const [old, young] = [aRequest(), aRequest()];
      for (const request of [old, young]) await storage.idempotency.complete(request, await claimed(request), ANSWER);
      await age(old, 'created_at', '25 hours');
      await age(young, 'created_at', '23 hours');
      expect(await storage.idempotency.claim({ ...old, fingerprint: hash() })).toMatchObject({ kind: 'ours' });
      expect(await storage.idempotency.claim(young)).toMatchObject({ kind: 'answered' });
      await age(young, 'created_at', '25 hours');
      await claimed(aRequest());
      const left: unknown = await storage.database.source.query('SELECT 1 FROM idempotency_keys WHERE key_hash = $1', [young.keyHash]);
      expect(left).toEqual([]);
    });
  });
}
