import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotFound, type Hex, type NewSession } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { aCreator, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const STRANGER = '00000000-0000-4000-8000-000000000000';
const hash = (): Buffer => Buffer.from(randomHex(32).slice(2), 'hex');
const inMs = (ms: number): Date => new Date(Date.now() + ms);

export function describeSignInStore(where: string, make: () => Promise<TestStorage>): void {
  describe(`SignInStore on ${where}`, () => {
    let storage: TestStorage;
    let creatorId: string;
    let wallet: Hex;
    let other: Pick<NewSession, 'creatorId' | 'wallet'>;

    beforeAll(async () => {
      storage = await make();
      const [creator, another] = [await aCreator(storage, 1), await aCreator(storage, 1)];
      creatorId = creator.id;
      wallet = walletOf(creator);
      other = { creatorId: another.id, wallet: walletOf(another) };
    });
    afterAll(async () => {
      await storage.drop();
    });

    const aSession = (fields: Partial<NewSession> = {}): NewSession => ({
      creatorId,
      wallet,
      secretHash: hash(),
      agent: 'test',
      idleMs: 60_000,
      maxMs: 120_000,
      ...fields,
    });

    it('lets one of many spend a nonce, once', async () => {
      const nonce = hash();
      const spent = await Promise.all(Array.from({ length: 20 }, () => storage.signIn.spendNonce(nonce, inMs(60_000))));
      expect(spent.filter(Boolean)).toHaveLength(1);
      expect(await storage.signIn.spendNonce(nonce, inMs(60_000))).toBe(false);
    });

    it('spends no expired nonce, and forgets those that expired', async () => {
      expect(await storage.signIn.spendNonce(hash(), inMs(-1000))).toBe(false);
      const brief = hash();
      expect(await storage.signIn.spendNonce(brief, inMs(500))).toBe(true);
      await expect
        .poll(async () => {
          await storage.signIn.spendNonce(hash(), inMs(60_000));
          const rows: unknown = await storage.database.source.query('SELECT 1 FROM spent_nonces WHERE hash = $1', [brief]);
          return rows;
        })
        .toEqual([]);
    });

    it('finds a session by its secret until it is ended, by its owner only', async () => {
      const wanted = aSession({ agent: 'x'.repeat(300) });
      const session = await storage.signIn.openSession(wanted);
      expect(session).toMatchObject({ creatorId, agent: 'x'.repeat(200) });
      expect(await storage.signIn.session(wanted.secretHash)).toEqual(session);
      expect(await storage.signIn.session(hash())).toBeUndefined();
      expect(await storage.signIn.endSession(other.creatorId, session.id)).toBe(false);
      expect(await storage.signIn.endSession(creatorId, "'; drop table sessions")).toBe(false);
      expect(await storage.signIn.session(wanted.secretHash)).toEqual(session);
      expect(await storage.signIn.endSession(creatorId, session.id)).toBe(true);
      expect(await storage.signIn.session(wanted.secretHash)).toBeUndefined();
    });

    it('says whether a sign-in is fresh, by the clock of the database', async () => {
      const wanted = aSession();
      const { id, isFresh } = await storage.signIn.openSession(wanted);
      expect(isFresh).toBe(true);
      const age = (minutes: string) =>
        storage.database.run('UPDATE sessions SET created_at = now() - $2::interval WHERE id = $1', [id, minutes]);
      await age('9 minutes 50 seconds');
      expect((await storage.signIn.session(wanted.secretHash))?.isFresh).toBe(true);
      await age('10 minutes 1 second');
      expect((await storage.signIn.session(wanted.secretHash))?.isFresh).toBe(false);
    });

    it('ends sessions that are not used, and all of them in the end', async () => {
      const idle = aSession({ idleMs: 50 });
      const old = aSession({ maxMs: 50 });
      await Promise.all([storage.signIn.openSession(idle), storage.signIn.openSession(old)]);
      await sleep(100);
      expect(await storage.signIn.session(idle.secretHash)).toBeUndefined();
      expect(await storage.signIn.session(old.secretHash)).toBeUndefined();
    });

    it('notes use to the minute', async () => {
      const wanted = aSession({ idleMs: 3_600_000, maxMs: 3_600_000 });
      const { id, seenAt } = await storage.signIn.openSession(wanted);
      await storage.database.run(`UPDATE sessions SET seen_at = seen_at - interval '2 minutes' WHERE id = $1`, [id]);
      await storage.signIn.session(wanted.secretHash);
      const noted = (await storage.signIn.session(wanted.secretHash))?.seenAt.getTime();
      expect(noted).toBeGreaterThanOrEqual(seenAt.getTime());
      expect((await storage.signIn.session(wanted.secretHash))?.seenAt.getTime()).toBe(noted);
    });

    it('keeps the newest twenty of a creator', async () => {
      const opened: NewSession[] = [];
      for (let i = 0; i < 22; i += 1) {
        const session = aSession(other);
        await storage.signIn.openSession(session);
        opened.push(session);
      }
      const kept = await storage.signIn.sessions(other.creatorId);
      expect(kept).toHaveLength(20);
      expect(await storage.signIn.session(opened[1]?.secretHash ?? hash())).toBeUndefined();
      expect(await storage.signIn.session(opened[2]?.secretHash ?? hash())).toBeDefined();
      expect(await storage.signIn.sessions(STRANGER)).toEqual([]);
    });

    it('opens none for a creator who does not exist, or who does not have the wallet', async () => {
      await expect(storage.signIn.openSession(aSession({ wallet: other.wallet }))).rejects.toThrow(NotFound);
      await expect(storage.signIn.openSession(aSession({ creatorId: STRANGER }))).rejects.toThrow(NotFound);
    });
  });
}
