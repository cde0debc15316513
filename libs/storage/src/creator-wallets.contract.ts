import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Conflict, NotFound, WalletLimit, WALLETS_MAX, type Creator, type Hex, type Session } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { aCreator, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const STRANGER = '00000000-0000-4000-8000-000000000000';

export function describeCreatorWallets(where: string, make: () => Promise<TestStorage>): void {
  describe(`CreatorWallets on ${where}`, () => {
    let storage: TestStorage;
    let creator: Creator;

    beforeAll(async () => {
      storage = await make();
    });
    afterAll(async () => {
      await storage.drop();
    });
    beforeEach(async () => {
      creator = await aCreator(storage, 1);
    });

    const addresses = async (owner = creator) => (await storage.wallets.of(owner.id)).map(({ address }) => address);

    const openSession = (wallet: Hex): Promise<Session> => {
      const secretHash = Buffer.from(randomHex(32).slice(2), 'hex');
      return storage.signIn.openSession({ creatorId: creator.id, wallet, secretHash, agent: 'OBS', idleMs: 60_000, maxMs: 60_000 });
    };

    it('adds a wallet behind the others, once', async () => {
      const wallet = randomHex(20);
      const added = await storage.wallets.add(creator.id, wallet);
      expect(added.address).toBe(wallet);
      expect(await storage.wallets.add(creator.id, wallet)).toEqual(added);
      expect(await addresses()).toEqual([...creator.wallets, wallet]);
      expect(await storage.directory.creatorByWallet(wallet)).toMatchObject({ id: creator.id, wallets: [...creator.wallets, wallet] });
    });

    it('refuses a wallet of another creator, also when both want it at once', async () => {
      const other = await aCreator(storage, 1);
      await expect(storage.wallets.add(creator.id, other.wallets[0] ?? '0x')).rejects.toThrow(Conflict);
      const wallet = randomHex(20);
      const outcomes = await Promise.allSettled([creator, other].map(({ id }) => storage.wallets.add(id, wallet)));
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect([...(await addresses()), ...(await addresses(other))].filter((address) => address === wallet)).toHaveLength(1);
    });

    it('gives a creator so many wallets and no more, however many are added at once', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: WALLETS_MAX + 4 }, () => storage.wallets.add(creator.id, randomHex(20))),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(WALLETS_MAX - 1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(WalletLimit);
      expect(await addresses()).toHaveLength(WALLETS_MAX);
    });

    it('never removes the last one, however many are removed at once', async () => {
      await storage.wallets.add(creator.id, randomHex(20));
      const both = await addresses();
      const outcomes = await Promise.allSettled(both.map((wallet) => storage.wallets.remove(creator.id, wallet)));
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(WalletLimit);
      expect(await addresses()).toHaveLength(1);
    });

    it('ends all sessions but the one that asks, together with the wallet', async () => {
      const wallet = randomHex(20);
      await storage.wallets.add(creator.id, wallet);
      const here = await openSession(wallet);
      await Promise.all([openSession(wallet), openSession(walletOf(creator))]);
      await storage.wallets.remove(creator.id, wallet, here.id);
      expect(await storage.signIn.sessions(creator.id)).toEqual([here]);
    });

    it('leaves no session to whoever signs in with a wallet in the moment of its end', async () => {
      for (let n = 0; n < 10; n += 1) {
        const wallet = randomHex(20);
        await storage.wallets.add(creator.id, wallet);
        const signIns = Array.from({ length: 4 }, () => openSession(wallet));
        await Promise.allSettled([...signIns, storage.wallets.remove(creator.id, wallet), openSession(wallet)]);
        expect(await storage.signIn.sessions(creator.id)).toEqual([]);
      }
    });

    it('frees a removed wallet for another creator', async () => {
      const wallet = randomHex(20);
      await storage.wallets.add(creator.id, wallet);
      await storage.wallets.remove(creator.id, wallet);
      expect(await addresses()).toEqual(creator.wallets);
      const other = await aCreator(storage, 1);
      expect((await storage.wallets.add(other.id, wallet)).address).toBe(wallet);
    });

    it('keeps the wallets of others out of reach, and knows no strangers', async () => {
      const other = await aCreator(storage, 2);
      await expect(storage.wallets.remove(creator.id, other.wallets[0] ?? '0x')).rejects.toThrow(NotFound);
      for (const id of [STRANGER, 'no uuid']) {
        expect(await storage.wallets.of(id)).toEqual([]);
        await expect(storage.wallets.add(id, randomHex(20))).rejects.toThrow(NotFound);
        await expect(storage.wallets.remove(id, other.wallets[0] ?? '0x')).rejects.toThrow(NotFound);
      }
      expect(await addresses(other)).toEqual(other.wallets);
    });
  });
}
