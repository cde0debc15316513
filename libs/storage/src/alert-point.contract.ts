import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BlockHeader, Creator, SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aTip } from '@droppio/tips/testing';
import { aChainId, aCommit, aCreator, story, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

/** The part of `TipLedger` that decides when a creator hears of a tip: with its block, some blocks later, or before it. */
export function describeAlertPoint(where: string, make: () => Promise<TestStorage>): void {
  describe(`the alert point of a creator on ${where}`, () => {
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

    const alertAfter = (blocks: number) => storage.directory.changeCreator(creator.id, { alertAfter: blocks });
    const commit = (block: BlockHeader, tips: readonly SightedTip[] = [], onTop = 0) =>
      storage.ledger.commit(chainId, fence, { ...aCommit(block, tips), onTop });
    const tipToCreator = (fields: Partial<SightedTip> = {}): SightedTip => aTip({ creator: walletOf(creator), ...fields });
    const events = async () => story(await storage.ledger.eventsAfter(creator.id, 0, 1000));
    const states = async () => (await storage.archive.list({ creatorId: creator.id, limit: 200 })).tips.map(({ state }) => state);
    const grow = async (from: BlockHeader, count: number): Promise<BlockHeader> => {
      let tip = from;
      for (let n = 0; n < count; n += 1) {
        tip = aChildOf(tip);
        await commit(tip);
      }
      return tip;
    };

    describe('some blocks later', () => {
      it('tells of a tip in the commit of the block that makes it deep enough, and not before', async () => {
        await alertAfter(3);
        const block = aChildOf(genesis);
        expect(await commit(block, [tipToCreator()])).toEqual({ kind: 'committed', creators: [] });
        expect(await states()).toEqual(['confirmed']);
        const second = await grow(block, 1);
        expect(await events()).toEqual([]);
        expect(await commit(aChildOf(second))).toEqual({ kind: 'committed', creators: [creator.id] });
        expect(await events()).toEqual(['tip r1 confirmed']);
      });

      it('tells at once of a tip that has its blocks on top already', async () => {
        await alertAfter(3);
        const block = aChildOf(genesis);
        expect(await commit(block, [tipToCreator()], 2)).toEqual({ kind: 'committed', creators: [creator.id] });
        const next = aChildOf(block);
        await commit(next, [tipToCreator()], 1);
        expect(await events()).toEqual(['tip r1 confirmed']);
        await commit(aChildOf(next), [], 1);
        expect(await events()).toEqual(['tip r1 confirmed', 'tip r1 confirmed']);
      });

      it('says nothing of a tip that a fork takes away while it waits, and tells it once where it comes back', async () => {
        await alertAfter(3);
        const [gone, back] = [tipToCreator(), tipToCreator()];
        const a = aChildOf(genesis);
        await commit(a, [gone, back]);
        const b = aChildOf(genesis);
        await storage.ledger.reorganise(chainId, fence, { from: a, ancestor: genesis, branch: [aCommit(b, [back])] });
        await grow(b, 3);
        expect(await events()).toEqual(['tip r1 confirmed']);
        expect((await states()).sort()).toEqual(['confirmed', 'orphaned']);
      });

      it('takes nothing back from a creator that was told nothing, when a fork gives its tip to another', async () => {
        await alertAfter(3);
        const other = await aCreator(storage);
        const tip = tipToCreator();
        const a = aChildOf(genesis);
        await commit(a, [tip]);
        const b = aChildOf(genesis);
        const branch = [aCommit(b, [{ ...tip, creator: walletOf(other) }])];
        await storage.ledger.reorganise(chainId, fence, { from: a, ancestor: genesis, branch });
        await grow(b, 3);
        expect(await events()).toEqual([]);
        expect(story(await storage.ledger.eventsAfter(other.id, 0, 10))).toEqual(['tip r2 confirmed']);
      });

      it('tells a fork’s tips that are deep enough in the same step', async () => {
        await alertAfter(2);
        const a = aChildOf(genesis);
        await commit(a);
        const b = aChildOf(genesis);
        const c = aChildOf(b);
        const reorg = { from: a, ancestor: genesis, branch: [{ ...aCommit(b, [tipToCreator()]), onTop: 1 }, aCommit(c)] };
        expect(await storage.ledger.reorganise(chainId, fence, reorg)).toEqual({ kind: 'committed', creators: [creator.id] });
        expect(await events()).toEqual(['tip r1 confirmed']);
      });

      it('tells of a tip that becomes final while it waits, once', async () => {
        await alertAfter(64);
        const block = aChildOf(genesis);
        await commit(block, [tipToCreator()]);
        await storage.ledger.finalize(chainId, fence, { safe: block });
        expect(await events()).toEqual([]);
        await storage.ledger.finalize(chainId, fence, { finalized: block });
        expect(await events()).toEqual(['tip r3 finalized']);
        await grow(block, 70);
        expect(await events()).toEqual(['tip r3 finalized']);
      });

      it('tells of updates only what was told before', async () => {
        await alertAfter(2);
        const block = aChildOf(genesis);
        await commit(block, [tipToCreator()]);
        await storage.ledger.finalize(chainId, fence, { safe: block });
        const deep = await grow(block, 1);
        await storage.ledger.finalize(chainId, fence, { finalized: block });
        await grow(deep, 1);
        expect(await events()).toEqual(['tip r2 safe', 'tip.updated r3 finalized']);
      });

      it('numbers gaplessly when more wait than are told at a time', async () => {
        await alertAfter(2);
        const block = aChildOf(genesis);
        await commit(
          block,
          Array.from({ length: 1203 }, () => tipToCreator()),
        );
        await grow(block, 1);
        const told = await Promise.all([0, 1000].map((after) => storage.ledger.eventsAfter(creator.id, after, 1000)));
        expect(told.flat().map(({ seq }) => seq)).toEqual(Array.from({ length: 1203 }, (_, index) => index + 1));
      });

      it('is found by whoever takes up the chain when its telling was lost, and told once', async () => {
        await alertAfter(2);
        const block = aChildOf(genesis);
        await commit(block, [tipToCreator()]);
        const tell = (height: number, by = fence) => storage.ledger.tellDue(chainId, by, height);
        expect(await tell(block.number)).toEqual({ kind: 'committed', creators: [] });
        expect(await tell(block.number + 1, fence + 1)).toEqual({ kind: 'moved' });
        expect(await events()).toEqual([]);
        expect(await tell(block.number + 1)).toEqual({ kind: 'committed', creators: [creator.id] });
        expect(await tell(block.number + 1)).toEqual({ kind: 'committed', creators: [] });
        await commit(aChildOf(block));
        expect(await events()).toEqual(['tip r1 confirmed']);
      });

      it('is found again by the next block when its telling was lost', async () => {
        await alertAfter(2);
        const block = aChildOf(genesis);
        await commit(block, [tipToCreator()]);
        // The cursor moves and nobody comes to tell: what a crash between the two statements leaves behind.
        const lost = aChildOf(block);
        await storage.database.run('UPDATE chain_cursors SET number = $2, hash = decode($3, $4) WHERE chain_id = $1', [
          chainId,
          lost.number,
          lost.hash.slice(2),
          'hex',
        ]);
        await grow(lost, 1);
        expect(await events()).toEqual(['tip r1 confirmed']);
      });
    });

    describe('before the block', () => {
      const sight = (tips: readonly SightedTip[]) => storage.ledger.sight(chainId, fence, { seenAtMs: 5000, number: 101, tips });
      const drop = (upTo: number) => storage.ledger.drop(chainId, fence, upTo);

      it('tells of a promised tip once, and confirms it with its block', async () => {
        await alertAfter(0);
        const tip = tipToCreator();
        expect(await sight([tip])).toEqual({ kind: 'committed', creators: [creator.id] });
        expect(await sight([tip])).toEqual({ kind: 'committed', creators: [] });
        expect(await states()).toEqual(['seen']);
        await commit(aChildOf(genesis), [tip]);
        expect(await events()).toEqual(['tip r1 seen', 'tip.updated r2 confirmed']);
        expect(await sight([tip])).toEqual({ kind: 'committed', creators: [] });
        expect(await drop(1000)).toEqual({ kind: 'committed', creators: [] });
        expect(await states()).toEqual(['confirmed']);
      });

      it('is only for creators that want it', async () => {
        const tip = tipToCreator();
        expect(await sight([tip, aTip()])).toEqual({ kind: 'committed', creators: [] });
        expect(await states()).toEqual([]);
        await commit(aChildOf(genesis), [tip]);
        expect(await events()).toEqual(['tip r1 confirmed']);
      });

      it('corrects what the block says otherwise', async () => {
        await alertAfter(0);
        const tip = tipToCreator({ amount: 5n });
        await sight([tip]);
        await commit(aChildOf(genesis), [{ ...tip, amount: 6n }]);
        expect(await events()).toEqual(['tip r1 seen', 'tip.updated r2 confirmed']);
        expect((await storage.archive.list({ creatorId: creator.id, limit: 5 })).tips).toMatchObject([{ amount: 6n, rev: 2 }]);
      });

      it('takes it from a creator that the block does not pay after all', async () => {
        await alertAfter(0);
        const other = await aCreator(storage);
        const tip = tipToCreator();
        await sight([tip]);
        await commit(aChildOf(genesis), [{ ...tip, creator: walletOf(other) }]);
        expect(await events()).toEqual(['tip r1 seen', 'tip.retracted r2 confirmed']);
        expect(story(await storage.ledger.eventsAfter(other.id, 0, 10))).toEqual(['tip r2 confirmed']);
      });

      it('retracts what no block holds, and brings it back with a block after all', async () => {
        await alertAfter(0);
        const tip = tipToCreator();
        await sight([tip]);
        const a = await grow(genesis, 2);
        expect(await drop(100)).toEqual({ kind: 'committed', creators: [] });
        expect(await drop(101)).toEqual({ kind: 'committed', creators: [creator.id] });
        expect(await drop(101)).toEqual({ kind: 'committed', creators: [] });
        expect(await states()).toEqual(['dropped']);
        await commit(aChildOf(a), [tip]);
        expect(await events()).toEqual(['tip r1 seen', 'tip.retracted r2 dropped', 'tip.updated r3 confirmed']);
      });

      it('is left alone by forks and by finality', async () => {
        await alertAfter(0);
        const a = await grow(genesis, 1);
        await sight([tipToCreator()]);
        const b = aChildOf(genesis);
        await storage.ledger.reorganise(chainId, fence, { from: a, ancestor: genesis, branch: [aCommit(b)] });
        const c = await grow(b, 3);
        await storage.ledger.finalize(chainId, fence, { safe: c, finalized: c });
        expect(await states()).toEqual(['seen']);
      });

      it('is nothing a leader may tell that was fenced off', async () => {
        await alertAfter(0);
        expect(await storage.ledger.sight(chainId, fence + 1, { seenAtMs: 1, number: 101, tips: [tipToCreator()] })).toEqual({
          kind: 'moved',
        });
        expect(await storage.ledger.drop(chainId, fence + 1, 1000)).toEqual({ kind: 'moved' });
        expect(await events()).toEqual([]);
      });

      it('leaves out what cannot be stored', async () => {
        await alertAfter(0);
        const good = tipToCreator();
        const bad = tipToCreator({ message: 'half \ud800' });
        const worse = tipToCreator({ display: { ...aTip().display, message: '\u0000' } as NonNullable<SightedTip['display']> });
        expect(await sight([bad, good, worse])).toEqual({ kind: 'committed', creators: [creator.id] });
        expect(await states()).toEqual(['seen']);
        expect(await sight([bad])).toEqual({ kind: 'committed', creators: [] });
      });
    });
  });
}
