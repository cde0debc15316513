import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_OVERLAY_CONFIG, type BlockHeader, type ChainLog, type Creator, type SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aTip, random, randomHex, randomInt } from '@droppio/tips/testing';
import { aChainId, aCommit, aCreator, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const aLogOf = ({ hash, number }: BlockHeader): ChainLog => ({
  blockHash: hash,
  blockNumber: number,
  txHash: randomHex(32),
  logIndex: 0,
  address: randomHex(20),
  topics: [],
  data: '0x',
});

/** The half of `TipLedger` that relays, feeds and the API read. */
export function describeTipReading(where: string, make: () => Promise<TestStorage>): void {
  describe(`What is read from TipLedger on ${where}`, () => {
    let storage: TestStorage;
    let chainId: number;
    let genesis: BlockHeader;
    let creator: Creator;
    const fence = 1;

    beforeAll(async () => {
      storage = await make();
    });
    afterAll(async () => {
      await storage.drop();
    });
    beforeEach(async () => {
      chainId = aChainId();
      genesis = aBlock({ number: 100 });
      await storage.ledger.begin(chainId, genesis, fence);
      creator = await aCreator(storage);
    });

    const commit = (block: BlockHeader, tips: readonly SightedTip[] = []) => storage.ledger.commit(chainId, fence, aCommit(block, tips));
    const tipToCreator = (fields: Partial<SightedTip> = {}): SightedTip => aTip({ creator: walletOf(creator), ...fields });
    const history = async () => (await storage.archive.list({ creatorId: creator.id, limit: 200 })).tips;

    describe('what an audit reads', () => {
      it('tells what is stored of canonical blocks in a range, set-aside logs too, and nothing of other branches', async () => {
        const { ledger } = storage;
        const [one, two, three] = [aChildOf(genesis), aBlock(), aBlock()];
        const [gone, kept] = [tipToCreator(), tipToCreator({ amount: 2n ** 255n })];
        await commit(one, [gone]);
        const second = { ...two, number: one.number + 1, parentHash: one.hash };
        await commit(second, [gone, tipToCreator()]);
        const other = aChildOf(one);
        const log = { ...aLogOf(other), logIndex: 9 };
        const branch = [
          { ...aCommit(other, [kept]), quarantined: [{ log, code: 'topics' }] },
          aCommit({ ...three, number: other.number + 1, parentHash: other.hash }),
        ];
        const ancestor = { number: one.number, hash: one.hash };
        await ledger.reorganise(chainId, fence, { from: { number: second.number, hash: second.hash }, ancestor, branch });
        const { txHash, ordinal, creator: wallet, from, token, amount } = kept;
        expect(await ledger.sightings(chainId, other.number, other.number + 1)).toEqual([
          { blockHash: other.hash, logIndex: 0, tip: { txHash, ordinal, creator: wallet, from, token, amount } },
          { blockHash: other.hash, logIndex: 9 },
        ]);
        expect(await ledger.sightings(chainId, one.number, one.number)).toHaveLength(1);
        expect(await ledger.sightings(chainId, 0, genesis.number)).toEqual([]);
      });

      it('tells how far blocks are final, and before that where the walk began', async () => {
        const { ledger } = storage;
        expect(await ledger.finalizedHeight(aChainId())).toBeUndefined();
        expect(await ledger.finalizedHeight(chainId)).toBe(genesis.number);
        const block = aChildOf(genesis);
        await commit(block);
        expect(await ledger.finalizedHeight(chainId)).toBe(genesis.number);
        await ledger.finalize(chainId, fence, { finalized: block });
        expect(await ledger.finalizedHeight(chainId)).toBe(block.number);
      });
    });

    describe('what feeds and relays read', () => {
      it('reads events after a seq, in order, in pages', async () => {
        await commit(
          aChildOf(genesis),
          [0, 1, 2, 3, 4].map(() => tipToCreator()),
        );
        expect((await storage.ledger.eventsAfter(creator.id, 1, 3)).map(({ seq }) => seq)).toEqual([2, 3, 4]);
        expect((await storage.ledger.position(creator.id))?.seq).toBe(5);
      });

      it('knows nothing of strangers', async () => {
        for (const id of ['00000000-0000-4000-8000-000000000000', 'no uuid']) {
          expect(await storage.ledger.position(id)).toBeUndefined();
          expect(await storage.ledger.snapshot(id, 10)).toBeUndefined();
          expect(await storage.ledger.eventsAfter(id, 0, 10)).toEqual([]);
          expect(await storage.archive.list({ creatorId: id, limit: 10 })).toEqual({ tips: [] });
          await storage.ledger.markPublished(id, 1);
        }
      });

      it('takes a snapshot that ends at the head and carries the grants', async () => {
        const overlay = await storage.directory.createOverlay(creator.id, 'main', DEFAULT_OVERLAY_CONFIG);
        await commit(
          aChildOf(genesis),
          [0, 1, 2].map(() => tipToCreator()),
        );
        const snapshot = await storage.ledger.snapshot(creator.id, 2);
        expect(snapshot?.position).toEqual(await storage.ledger.position(creator.id));
        expect(snapshot?.position.seq).toBe(4);
        expect(snapshot?.events.map(({ seq }) => seq)).toEqual([3, 4]);
        expect(snapshot?.grants).toEqual([{ overlayId: overlay.id, version: 1, enabled: true, config: overlay.config }]);
      });

      it('lists creators with unpublished events, oldest first, until they are marked', async () => {
        const other = await aCreator(storage);
        const ours = async (): Promise<string[]> =>
          (await storage.ledger.unpublished(0, 10_000)).filter((id) => id === creator.id || id === other.id);
        const one = aChildOf(genesis);
        await commit(one, [aTip({ creator: walletOf(other) })]);
        await commit(aChildOf(one), [tipToCreator(), tipToCreator()]);
        expect(await ours()).toEqual([other.id, creator.id]);
        await storage.ledger.markPublished(creator.id, 1);
        expect(await ours()).toContain(creator.id);
        await storage.ledger.markPublished(creator.id, 2);
        expect(await ours()).toEqual([other.id]);
        expect(await storage.ledger.unpublished(60_000, 10)).not.toContain(other.id);
      });

      it('never marks backwards nor beyond the head', async () => {
        const ours = async (): Promise<boolean> => (await storage.ledger.unpublished(0, 10_000)).includes(creator.id);
        const one = aChildOf(genesis);
        await commit(one, [tipToCreator(), tipToCreator()]);
        await storage.ledger.markPublished(creator.id, 9);
        expect(await ours()).toBe(true);
        await storage.ledger.markPublished(creator.id, 2);
        await storage.ledger.markPublished(creator.id, 1);
        expect(await ours()).toBe(false);
        await commit(aChildOf(one), [tipToCreator()]);
        expect(await ours()).toBe(true);
      });
    });

    describe('history', () => {
      it('lists the tips of all wallets newest first, in pages that neither repeat nor skip', async () => {
        creator = await aCreator(storage, 3);
        let at = genesis;
        for (let n = 0; n < 6; n += 1) {
          at = aChildOf(at, { timestampMs: genesis.timestampMs + (n >> 1) });
          await commit(
            at,
            Array.from({ length: 5 }, () => aTip({ creator: creator.wallets[randomInt(3)] ?? walletOf(creator) })),
          );
        }
        const all = await history();
        expect(all).toHaveLength(30);
        const times = all.map(({ blockTimestampMs }) => blockTimestampMs);
        expect(times).toEqual([...times].sort((a, b) => b - a));
        const paged = [];
        const limit = 1 + Math.floor(random() * 9);
        for (let cursor: string | undefined = undefined, more = true; more;) {
          const page = await storage.archive.list({ creatorId: creator.id, limit, ...(cursor === undefined ? {} : { cursor }) });
          paged.push(...page.tips);
          cursor = page.next;
          more = cursor !== undefined;
        }
        expect(paged).toEqual(all);
      });

      it.each(['', 'x', 'bm9wZQ', Buffer.from('[1,2]').toString('base64url'), Buffer.from('[1e99,1,"0x00",0]').toString('base64url')])(
        'answers the cursor %j, which nobody gave out, with an error that says so',
        async (cursor) => {
          await expect(storage.archive.list({ creatorId: creator.id, limit: 5, cursor })).rejects.toMatchObject({
            code: 'invalid-cursor',
          });
        },
      );
    });
  });
}
