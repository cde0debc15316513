import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tipId, type BlockHeader, type Creator, type Hex, type SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aDisplay, aTip, randomHex } from '@droppio/tips/testing';
import * as z from 'zod';
import { aChainId, aCommit, aCreator, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const FENCE = 1;
const Messages = z.array(z.object({ message: z.string() }));
const Seqs = z.array(z.object({ seq: z.coerce.number() }));

/** What an account had before, and what is left of one whose deletion does not get to its end. */
export function describeAccountEnd(where: string, make: () => Promise<TestStorage>): void {
  describe(`the end of an account on ${where}`, () => {
    let storage: TestStorage;
    let chainId: number;
    let head: BlockHeader;
    let ada: Creator;
    let eve: Creator;
    let wallet: Hex;

    beforeAll(async () => {
      storage = await make();
    });
    afterAll(async () => {
      await storage.drop();
    });
    beforeEach(async () => {
      chainId = aChainId();
      head = aBlock({ number: 100, timestampMs: Date.now() - 3_600_000 });
      await storage.ledger.begin(chainId, head, FENCE);
      [ada, eve] = [await aCreator(storage), await aCreator(storage)];
      wallet = randomHex(20);
    });

    const rows = async (statement: string, values: unknown[] = []): Promise<unknown> => storage.database.source.query(statement, values);
    const link = (to: Creator) => storage.wallets.add(to.id, wallet);
    const unlink = (from: Creator) => storage.wallets.remove(from.id, wallet);
    const receive = async (message: string): Promise<SightedTip> => {
      const tip = aTip({ creator: wallet, message });
      const display = aDisplay({ ...tip.display, tipId: tipId({ chainId, txHash: tip.txHash, ordinal: 0 }), message });
      head = aChildOf(head);
      await storage.ledger.commit(chainId, FENCE, aCommit(head, [{ ...tip, display }]));
      return tip;
    };
    const left = async (): Promise<string[]> =>
      Messages.parse(await rows('SELECT message FROM tips WHERE chain_id = $1 ORDER BY block_number', [chainId])).map((row) => row.message);
    const everythingOfGone = async (): Promise<void> => {
      while ((await storage.retention.eraseOfGone(100)) > 0);
    };

    it('takes the messages to wallets along that had left it before', async () => {
      await link(ada);
      await receive('to ada');
      await unlink(ada);
      await storage.account.remove(ada.id);
      await everythingOfGone();
      expect(await left()).toEqual(['']);
      expect(await rows('SELECT 1 FROM tip_sightings WHERE chain_id = $1 AND message <> $2', [chainId, ''])).toEqual([]);
      expect(await rows('SELECT 1 FROM former_wallets WHERE creator_id = $1', [ada.id])).toEqual([]);
    });

    it('leaves to others what a wallet brought them that it had once', async () => {
      await link(eve);
      await receive('to eve, before');
      await unlink(eve);
      await link(ada);
      await receive('to ada');
      await unlink(ada);
      await link(eve);
      await receive('to eve, after');
      await storage.account.remove(ada.id);
      await everythingOfGone();
      expect(await left()).toEqual(['to eve, before', '', 'to eve, after']);
      await storage.account.remove(eve.id);
      await everythingOfGone();
      expect(await left()).toEqual(['', '', '']);
    });

    it('means a wallet that has come back as one of its own', async () => {
      await link(ada);
      await unlink(ada);
      await link(ada);
      await receive('to ada');
      await rows(`UPDATE former_wallets SET unlinked_at = now() - interval '1 day' WHERE creator_id = $1`, [ada.id]);
      await storage.account.remove(ada.id);
      await everythingOfGone();
      expect(await left()).toEqual(['']);
    });

    it('is no end of the right to have one message erased that came to a former wallet', async () => {
      await link(ada);
      const tip = await receive('to ada');
      await unlink(ada);
      await link(eve);
      const key = { chainId, txHash: tip.txHash, ordinal: 0 };
      const stranger = await aCreator(storage);
      expect(await storage.account.eraseMessage(stranger.id, key)).toBe(false);
      expect(await left()).toEqual(['to ada']);
      expect(await storage.account.eraseMessage(ada.id, key)).toBe(true);
      expect(await left()).toEqual(['']);
    });

    it('is exported with the wallets that it had', async () => {
      await link(ada);
      await unlink(ada);
      const found: unknown[] = [];
      for await (const batch of storage.account.rows(ada.id, 'formerWallets'))
        found.push(...batch.map((json): unknown => JSON.parse(json)));
      expect(found).toMatchObject([{ address: wallet }]);
    });

    it('that fails half way leaves an account that has everything to tell yet', async () => {
      const tell = `INSERT INTO creator_events SELECT $1, n, 'test', jsonb_build_object('seq', n, 'type', 'test') FROM generate_series(1, 20) n`;
      await rows(tell, [ada.id]);
      await rows('UPDATE creator_streams SET head = 20, published = 12, unpublished_since = now() WHERE creator_id = $1', [ada.id]);
      await rows(
        `INSERT INTO webhooks (id, creator_id, url, description, types, secret, cursor) VALUES (gen_random_uuid(), $1, 'https://x.test', '', '{}', '\\x00', 9)`,
        [ada.id],
      );
      await rows('CREATE TABLE holds_on (id uuid REFERENCES creators (id))');
      await rows('INSERT INTO holds_on VALUES ($1)', [ada.id]);
      await expect(storage.account.remove(ada.id)).rejects.toThrow();
      const seqs = Seqs.parse(await rows('SELECT seq FROM creator_events WHERE creator_id = $1 ORDER BY seq', [ada.id]));
      expect(seqs.map(({ seq }) => seq)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
      await rows('DROP TABLE holds_on');
      expect(await storage.account.remove(ada.id)).toMatchObject({ position: { seq: 20 } });
      expect(await storage.directory.creatorByWallet(walletOf(ada))).toBeUndefined();
    });
  });
}
