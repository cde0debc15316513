import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ReorgTooDeep, type BlockHeader, type Creator, type SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomHex } from '@droppio/tips/testing';
import { aChainId, aCommit, aCreator, displayOf, story, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

export function describeTipLedger(where: string, make: () => Promise<TestStorage>): void {
  describe(`TipLedger on ${where}`, () => {
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
    const events = (after = 0) => storage.ledger.eventsAfter(creator.id, after, 1000);
    const history = async () => (await storage.archive.list({ creatorId: creator.id, limit: 200 })).tips;

    describe('leases', () => {
      it('gives a chain to one holder and raises the fence when the holder changes', async () => {
        const { ledger } = storage;
        const first = await ledger.acquire(chainId, 'one', 10_000);
        expect(await ledger.acquire(chainId, 'two', 10_000)).toBeUndefined();
        expect((await ledger.acquire(chainId, 'one', 10_000))?.fence).toBe(first?.fence);
        await ledger.release(chainId, 'one');
        const second = await ledger.acquire(chainId, 'two', 10_000);
        expect(second?.fence).toBe((first?.fence ?? 0) + 1);
        await ledger.release(chainId, 'one');
        expect(await ledger.acquire(chainId, 'one', 10_000)).toBeUndefined();
      });

      it('gives a chain away once the lease has run out by the clock of the database', async () => {
        const first = await storage.ledger.acquire(chainId, 'one', 0);
        const second = await storage.ledger.acquire(chainId, 'two', 1000);
        expect(second?.fence).toBe((first?.fence ?? 0) + 1);
      });

      it('gives a chain away before its lease has run out to who takes it by force, and the one before is fenced off with it', async () => {
        const { ledger } = storage;
        const own = aChainId();
        const old = await ledger.acquire(own, 'old', 10_000);
        const start = await ledger.begin(own, genesis, old?.fence ?? 0);
        const next = await ledger.acquire(own, 'new', 10_000, { force: true });
        expect(next?.fence).toBe(start.fence + 1);
        expect(await ledger.commit(own, start.fence, aCommit(aChildOf(genesis)))).toEqual({ kind: 'moved' });
        expect(await ledger.acquire(own, 'old', 10_000)).toBeUndefined();
        expect((await ledger.acquire(own, 'new', 10_000, { force: true }))?.fence).toBe(next?.fence);
      });

      it('lets only one of many that ask at once have it', async () => {
        const asked = Array.from({ length: 8 }, (_, n) => storage.ledger.acquire(chainId, `holder ${String(n)}`, 10_000));
        expect((await Promise.all(asked)).filter((lease) => lease !== undefined)).toHaveLength(1);
      });

      it('fences off a leader that was paused while another took over', async () => {
        const { ledger } = storage;
        const own = aChainId();
        const old = await ledger.acquire(own, 'old', 0);
        const start = await ledger.begin(own, genesis, old?.fence ?? 0);
        const next = await ledger.acquire(own, 'new', 10_000);
        const block = aChildOf(genesis);
        expect(await ledger.commit(own, start.fence, aCommit(block, [tipToCreator()]))).toEqual({ kind: 'moved' });
        expect(await ledger.finalize(own, start.fence, { finalized: genesis })).toEqual({ kind: 'moved' });
        const reorg = { from: genesis, ancestor: genesis, branch: [] };
        expect(await ledger.reorganise(own, start.fence, reorg)).toEqual({ kind: 'moved' });
        expect(await events()).toEqual([]);
        expect(await ledger.cursor(own)).toEqual({ number: 100, hash: genesis.hash, fence: next?.fence });
        expect(await ledger.commit(own, next?.fence ?? 0, aCommit(block))).toMatchObject({ kind: 'committed' });
      });
    });

    describe('begin, cursor and window', () => {
      it('keeps the first cursor and tells the one that holds', async () => {
        expect(await storage.ledger.begin(chainId, aBlock(), fence)).toEqual({ number: 100, hash: genesis.hash, fence });
        expect(await storage.ledger.cursor(chainId)).toEqual({ number: 100, hash: genesis.hash, fence });
        expect(await storage.ledger.cursor(aChainId())).toBeUndefined();
      });

      it('remembers canonical blocks, newest first', async () => {
        const a = aChildOf(genesis);
        const b = aChildOf(a);
        await commit(a);
        await commit(b);
        expect(await storage.ledger.window(chainId, 2)).toEqual(
          [b, a].map(({ number, hash, parentHash }) => ({ number, hash, parentHash })),
        );
        expect(await storage.ledger.window(chainId, 10)).toHaveLength(3);
      });
    });

    describe('commit', () => {
      it('stores a tip, its seq and its event in the shape that overlays receive', async () => {
        const block = aChildOf(genesis);
        const tip = tipToCreator({ amount: 2n ** 256n - 1n, message: 'gg "quoted" \\ 🦀 日本' });
        expect(await commit(block, [tip])).toEqual({ kind: 'committed', creators: [creator.id] });
        expect(await events()).toEqual([
          {
            seq: 1,
            id: `${String(chainId)}-${tip.txHash}-0`,
            type: 'tip',
            at: { block: block.timestampMs, seen: block.timestampMs + 300 },
            ttlMs: 600_000,
            state: 'confirmed',
            rev: 1,
            d: tip.display,
          },
        ]);
        expect(await history()).toEqual([
          {
            chainId,
            txHash: tip.txHash,
            ordinal: 0,
            creator: walletOf(creator),
            from: tip.from,
            token: tip.token,
            amount: 2n ** 256n - 1n,
            message: tip.message,
            ref: tip.ref,
            state: 'confirmed',
            rev: 1,
            blockNumber: 101,
            blockHash: block.hash,
            blockTimestampMs: block.timestampMs,
            logIndex: tip.logIndex,
            symbol: 'ETH',
            decimals: 18,
          },
        ]);
      });

      it('moves the cursor with blocks that hold nothing of ours', async () => {
        const block = aChildOf(genesis);
        expect(await commit(block)).toEqual({ kind: 'committed', creators: [] });
        expect(await storage.ledger.cursor(chainId)).toMatchObject({ number: 101, hash: block.hash });
      });

      it('changes nothing when the block is no child of the cursor, or was committed before', async () => {
        const block = aChildOf(genesis);
        const tip = tipToCreator();
        expect(await commit(aBlock({ number: 101 }), [tip])).toEqual({ kind: 'moved' });
        expect(await commit(aChildOf(genesis, { number: 102 }), [tip])).toEqual({ kind: 'moved' });
        expect(await events()).toEqual([]);
        await commit(block, [tip]);
        expect(await commit(block, [tip])).toEqual({ kind: 'moved' });
        expect(await events()).toHaveLength(1);
      });

      it('numbers the tips of a creator in log order, whatever order they came in', async () => {
        const tips = [0, 1, 2, 3].map(() => tipToCreator());
        const { block, ...rest } = aCommit(aChildOf(genesis), tips);
        await storage.ledger.commit(chainId, fence, { ...rest, block, tips: [...rest.tips].reverse() });
        expect((await events()).map(({ seq, id }) => [seq, id])).toEqual(
          tips.map(({ txHash }, n) => [n + 1, `${String(chainId)}-${txHash}-0`]),
        );
      });

      it('stores a tip that nobody may be told of, without an event', async () => {
        const { display, ...unlisted } = tipToCreator();
        expect(display).toBeDefined();
        expect(await commit(aChildOf(genesis), [unlisted, aTip()])).toEqual({ kind: 'committed', creators: [] });
        expect(await events()).toEqual([]);
        expect(await history()).toMatchObject([{ txHash: unlisted.txHash, rev: 1 }]);
        expect(await history()).not.toHaveProperty('0.symbol');
      });

      it('gives old tips to a wallet registered later as history, but tells nothing of them, then or later', async () => {
        const wallet = randomHex(20);
        const block = aChildOf(genesis);
        const tip = aTip({ creator: wallet });
        await commit(block, [tip]);
        creator = await storage.directory.createCreator({
          handle: `late-${randomHex(6).slice(2)}`,
          displayName: 'Late',
          wallets: [wallet],
          accessTokenHash: Buffer.from(randomHex(32).slice(2), 'hex'),
        });
        const moved = aChildOf(genesis);
        const branch = [aCommit(moved, [{ ...tip, amount: 5n, display: displayOf(tip, '5') }])];
        await storage.ledger.reorganise(chainId, fence, { from: block, ancestor: genesis, branch });
        await storage.ledger.finalize(chainId, fence, { finalized: moved });
        expect(await history()).toMatchObject([{ state: 'finalized', rev: 3, amount: 5n }]);
        expect(await events()).toEqual([]);
      });

      it('sets aside what cannot be stored, and goes on', async () => {
        const block = aChildOf(genesis);
        const fine = tipToCreator();
        const tips = [
          tipToCreator({ message: 'a\0b' }),
          fine,
          tipToCreator({ message: 'half of a pair \ud83d' }),
          tipToCreator({ amount: -1n }),
          tipToCreator({ amount: 2n ** 256n }),
          tipToCreator({ from: '0x12' }),
          tipToCreator({ txHash: fine.txHash }),
        ];
        const log = {
          blockHash: block.hash,
          blockNumber: 101,
          txHash: randomHex(32),
          logIndex: 50,
          address: randomHex(20),
          topics: [],
          data: '0x00',
        } as const;
        const outcome = await storage.ledger.commit(chainId, fence, {
          ...aCommit(block, tips),
          quarantined: [{ log, code: 'log-undecodable' }],
        });
        expect(outcome).toEqual({ kind: 'committed', creators: [creator.id] });
        expect(await history()).toMatchObject([{ txHash: fine.txHash }]);
        const aside: unknown = await storage.database.source.query(
          'SELECT log_index, code FROM quarantined_logs WHERE chain_id = $1 ORDER BY log_index',
          [chainId],
        );
        expect(aside).toEqual([
          ...[0, 2, 3, 4, 5].map((log_index) => ({ log_index, code: 'tip-invalid' })),
          { log_index: 6, code: 'tip-repeated' },
          { log_index: 50, code: 'log-undecodable' },
        ]);
      });

      it('finds the tip that Postgres itself refuses and commits the block without it', async () => {
        await storage.database.source.query(`ALTER TABLE tips ADD CONSTRAINT no_poison CHECK (message <> 'poison') NOT VALID`);
        try {
          const tips = Array.from({ length: 9 }, (_, n) => tipToCreator({ message: n === 3 || n === 7 ? 'poison' : 'gg' }));
          const block = aChildOf(genesis);
          expect(await commit(block, tips)).toEqual({ kind: 'committed', creators: [creator.id] });
          expect((await events()).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
          const aside: unknown = await storage.database.source.query(
            'SELECT log_index, code FROM quarantined_logs WHERE chain_id = $1 ORDER BY log_index',
            [chainId],
          );
          expect(aside).toEqual([3, 7].map((log_index) => ({ log_index, code: 'storage-refused' })));
          const [first] = tips;
          const poisoned = { ...tipToCreator(first), message: 'poison' };
          const branch = [aCommit(aChildOf(genesis), [tipToCreator(), tipToCreator({ message: 'poison' }), poisoned])];
          const reorg = { from: block, ancestor: genesis, branch };
          expect(await storage.ledger.reorganise(chainId, fence, reorg)).toMatchObject({ kind: 'committed' });
          // Six that the new branch has not, the new one, and the one that was expected back but cannot be stored.
          const retracted = 'tip.retracted r2 orphaned';
          expect(story(await events(7))).toEqual([...Array.from({ length: 6 }, () => retracted), 'tip r1 confirmed', retracted]);
        } finally {
          await storage.database.source.query('ALTER TABLE tips DROP CONSTRAINT no_poison');
        }
      });
    });

    describe('reorganise', () => {
      it('retracts what only the old branch holds, tells what only the new one holds, keeps quiet about what both hold', async () => {
        const [gone, both, fresh] = [tipToCreator(), tipToCreator(), tipToCreator()];
        const oldBlock = aChildOf(genesis);
        const [one, two] = [aChildOf(genesis), aChildOf(oldBlock)];
        await commit(oldBlock, [gone, both]);
        await commit(two);
        const branch = [aCommit(one, [fresh]), aCommit(aChildOf(one), [both])];
        const outcome = await storage.ledger.reorganise(chainId, fence, { from: two, ancestor: genesis, branch });
        expect(outcome).toEqual({ kind: 'committed', creators: [creator.id] });
        const told = await events(2);
        expect(story(told)).toEqual(['tip.retracted r2 orphaned', 'tip r1 confirmed']);
        expect(told.map(({ id }) => id.slice(-68, -2))).toEqual([gone.txHash, fresh.txHash]);
        const now = await history();
        expect(now.find(({ txHash }) => txHash === both.txHash)).toMatchObject({ state: 'confirmed', rev: 1, blockNumber: 102 });
        expect(await storage.ledger.cursor(chainId)).toMatchObject({ number: 102, hash: branch[1]?.block.hash });
        expect(await storage.ledger.window(chainId, 10)).toHaveLength(3);
      });

      it('sends one update when a tip comes back with other facts', async () => {
        const tip = tipToCreator();
        const old = aChildOf(genesis);
        await commit(old, [tip]);
        const branch = [aCommit(aChildOf(genesis), [{ ...tip, amount: 5n, display: displayOf(tip, '5') }])];
        await storage.ledger.reorganise(chainId, fence, { from: old, ancestor: genesis, branch });
        expect(story(await events(1))).toEqual(['tip.updated r2 confirmed']);
        expect(await events(1)).toMatchObject([{ d: { amount: { raw: '5' } } }]);
      });

      it('brings a tip back after a flip-flop A→B→A, with one update', async () => {
        const tip = tipToCreator();
        const [a, b] = [aChildOf(genesis), aChildOf(genesis)];
        await commit(a, [tip]);
        await storage.ledger.reorganise(chainId, fence, { from: a, ancestor: genesis, branch: [aCommit(b)] });
        await storage.ledger.reorganise(chainId, fence, { from: b, ancestor: genesis, branch: [aCommit(a, [tip])] });
        expect(story(await events())).toEqual(['tip r1 confirmed', 'tip.retracted r2 orphaned', 'tip.updated r3 confirmed']);
        expect(await storage.ledger.cursor(chainId)).toMatchObject({ hash: a.hash });
        expect(await storage.ledger.window(chainId, 10)).toMatchObject([{ hash: a.hash }, { hash: genesis.hash }]);
      });

      it('brings a tip back when a later block holds it', async () => {
        const tip = tipToCreator();
        const [a, b] = [aChildOf(genesis), aChildOf(genesis)];
        await commit(a, [tip]);
        await storage.ledger.reorganise(chainId, fence, { from: a, ancestor: genesis, branch: [aCommit(b)] });
        await commit(aChildOf(b), [tip]);
        expect(story(await events(1))).toEqual(['tip.retracted r2 orphaned', 'tip.updated r3 confirmed']);
        expect(await history()).toMatchObject([{ state: 'confirmed', rev: 3, blockNumber: 102 }]);
      });

      it('takes a tip from one creator and gives it to another when the transaction ran differently', async () => {
        const other = await aCreator(storage);
        const tip = tipToCreator();
        const old = aChildOf(genesis);
        await commit(old, [tip]);
        const branch = [aCommit(aChildOf(genesis), [{ ...tip, creator: walletOf(other) }])];
        const outcome = await storage.ledger.reorganise(chainId, fence, { from: old, ancestor: genesis, branch });
        expect(outcome).toEqual({ kind: 'committed', creators: [creator.id, other.id].sort() });
        expect(story(await events(1))).toEqual(['tip.retracted r2 confirmed']);
        expect(story(await storage.ledger.eventsAfter(other.id, 0, 10))).toEqual(['tip r2 confirmed']);
      });

      it('goes back to the ancestor when the new branch is not known yet', async () => {
        const old = aChildOf(genesis);
        await commit(old, [tipToCreator()]);
        await storage.ledger.reorganise(chainId, fence, { from: old, ancestor: genesis, branch: [] });
        expect(await storage.ledger.cursor(chainId)).toMatchObject({ number: 100, hash: genesis.hash });
        expect(story(await events(1))).toEqual(['tip.retracted r2 orphaned']);
      });

      it('changes nothing when the cursor is elsewhere or the ancestor is not on our chain', async () => {
        const block = aChildOf(genesis);
        await commit(block, [tipToCreator()]);
        const stale = { from: genesis, ancestor: genesis, branch: [] };
        expect(await storage.ledger.reorganise(chainId, fence, stale)).toEqual({ kind: 'moved' });
        const stranger = { from: block, ancestor: aBlock({ number: 100 }), branch: [] };
        expect(await storage.ledger.reorganise(chainId, fence, stranger)).toEqual({ kind: 'moved' });
        expect(await events()).toHaveLength(1);
      });

      it('refuses to go back below the finalised block', async () => {
        const [a] = [aChildOf(genesis)];
        const b = aChildOf(a);
        await commit(a);
        await commit(b);
        await storage.ledger.finalize(chainId, fence, { finalized: a });
        await expect(storage.ledger.reorganise(chainId, fence, { from: b, ancestor: genesis, branch: [] })).rejects.toThrow(ReorgTooDeep);
        expect(await storage.ledger.cursor(chainId)).toMatchObject({ hash: b.hash });
      });

      it('leaves nothing behind when a branch is not a chain', async () => {
        const old = aChildOf(genesis);
        await commit(old, [tipToCreator()]);
        const branch = [aCommit(aChildOf(genesis), [tipToCreator()]), aCommit(aBlock({ number: 102 }))];
        await expect(storage.ledger.reorganise(chainId, fence, { from: old, ancestor: genesis, branch })).rejects.toMatchObject({
          code: 'storage-refused',
        });
        expect(await storage.ledger.cursor(chainId)).toMatchObject({ hash: old.hash });
        expect(await events()).toHaveLength(1);
      });
    });

    describe('finalize', () => {
      it('raises states as far as the marks, with one update for each tip, and never lowers them', async () => {
        const blocks = [aChildOf(genesis)];
        for (let n = 0; n < 2; n += 1) blocks.push(aChildOf(blocks.at(-1) ?? genesis));
        const [one = genesis, two = genesis, three = genesis] = blocks;
        for (const block of blocks) await commit(block, [tipToCreator()]);
        const marks = { safe: two, finalized: one };
        expect(await storage.ledger.finalize(chainId, fence, marks)).toEqual({ kind: 'committed', creators: [creator.id] });
        expect(story(await events(3))).toEqual(['tip.updated r2 finalized', 'tip.updated r2 safe']);
        expect(await storage.ledger.finalize(chainId, fence, marks)).toEqual({ kind: 'committed', creators: [] });
        expect(await storage.ledger.finalize(chainId, fence, { safe: one })).toEqual({ kind: 'committed', creators: [] });
        await storage.ledger.finalize(chainId, fence, { safe: three, finalized: three });
        expect(story(await events(5))).toEqual(['tip.updated r3 finalized', 'tip.updated r2 finalized']);
        expect((await history()).map(({ state }) => state)).toEqual(['finalized', 'finalized', 'finalized']);
      });

      it('makes orphaned tips lost once their height is final, without a word, and finds them again should they come back', async () => {
        const tip = tipToCreator();
        const [a, b] = [aChildOf(genesis), aChildOf(genesis)];
        await commit(a, [tip]);
        await storage.ledger.reorganise(chainId, fence, { from: a, ancestor: genesis, branch: [aCommit(b)] });
        expect(await storage.ledger.finalize(chainId, fence, { finalized: b })).toEqual({ kind: 'committed', creators: [] });
        expect(await history()).toMatchObject([{ state: 'lost', rev: 2 }]);
        await commit(aChildOf(b), [tip]);
        expect(story(await events(2))).toEqual(['tip.updated r3 confirmed']);
      });

      it('waits with a mark that is not on our branch or not reached yet', async () => {
        const block = aChildOf(genesis);
        await commit(block, [tipToCreator()]);
        await storage.ledger.finalize(chainId, fence, { safe: aBlock({ number: 101 }), finalized: aChildOf(block) });
        expect(await history()).toMatchObject([{ state: 'confirmed', rev: 1 }]);
        await storage.ledger.finalize(chainId, fence, { safe: block });
        expect(await history()).toMatchObject([{ state: 'safe', rev: 2 }]);
      });

      it('lets a safe tip fall back when its block leaves the chain, and rise again', async () => {
        const tip = tipToCreator();
        const [a, b] = [aChildOf(genesis), aChildOf(genesis)];
        await commit(a, [tip]);
        await storage.ledger.finalize(chainId, fence, { safe: a });
        await storage.ledger.reorganise(chainId, fence, { from: a, ancestor: genesis, branch: [aCommit(b, [tip])] });
        await storage.ledger.finalize(chainId, fence, { safe: b });
        expect(story(await events(1))).toEqual(['tip.updated r2 safe', 'tip.updated r3 confirmed', 'tip.updated r4 safe']);
      });

      it('forgets blocks far below the finalised one', async () => {
        let at = genesis;
        for (let n = 0; n < 300; n += 1) {
          at = aChildOf(at);
          await commit(at);
        }
        await storage.ledger.finalize(chainId, fence, { finalized: at });
        expect(await storage.ledger.window(chainId, 1000)).toHaveLength(257);
      });

      it('ignores a finalised tip that a node claims to see again', async () => {
        const tip = tipToCreator();
        const block = aChildOf(genesis);
        await commit(block, [tip]);
        await storage.ledger.finalize(chainId, fence, { finalized: block });
        expect(await commit(aChildOf(block), [{ ...tip, amount: 1n }])).toEqual({ kind: 'committed', creators: [] });
        expect(await history()).toMatchObject([{ state: 'finalized', blockNumber: 101, amount: tip.amount }]);
      });
    });
  });
}
