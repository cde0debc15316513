import { describe, expect, it } from 'vitest';
import type { BlockHeader, CommitOutcome, SightedTip } from '@droppio/tips';
import { aChildOf, randomHex } from '@droppio/tips/testing';
import { hexToBytes } from './columns.js';
import type { Sql } from './database.js';
import { ERASE_ONE } from './erasure-statements.js';
import type { TestStorage } from './testing/index.js';
import { HOLD_ALL } from './testing/moderation-story.js';
import { ScreeningStage } from './testing/screening-stage.js';
import { placesOf, waiters } from './testing/text-places.js';

/** What becomes of erased messages as the chain, people and chores go on. */
export function describeErasure(where: string, make: () => Promise<TestStorage>): void {
  describe(`an erased message on ${where}`, () => {
    const stage = ScreeningStage.set(make);
    const aSecret = (): SightedTip => stage.saying(`canary ${randomHex(8)}`);
    const erase = (tip: SightedTip) => stage.storage.account.eraseMessage(stage.creator.id, stage.keyOf(tip));
    const eraseIn = (sql: Sql, { txHash }: SightedTip) => sql.run(ERASE_ONE, [stage.creator.id, stage.chainId, hexToBytes(txHash), 0, 0]);
    const hold = (sql: Sql, { txHash }: SightedTip) => sql.run('SELECT FROM tips WHERE tx_hash = $1 FOR UPDATE', [hexToBytes(txHash)]);
    const isWaitedFor = () => expect.poll(() => waiters(stage.storage.database)).toBeGreaterThan(0);
    const places = (tip: SightedTip) => placesOf(stage.storage.database, tip.message);
    const sql = (statement: string, values: (string | number)[] = []): Promise<unknown> =>
      stage.storage.database.source.query(statement, values);
    /** Moves the chain to another block on the genesis. */
    const fork = async (from: BlockHeader, tips: readonly SightedTip[] = []): Promise<BlockHeader> => {
      const to = aChildOf(stage.genesis);
      await stage.reorg(from, [[to, tips]]);
      return to;
    };
    const inABlock = async (tips: readonly SightedTip[]): Promise<BlockHeader> => {
      const block = aChildOf(stage.genesis);
      await stage.commit(block, tips);
      return block;
    };

    describe('as the chain goes on', () => {
      it('stays away when its tip comes in other blocks', async () => {
        const tip = aSecret();
        const a = await inABlock([tip]);
        await erase(tip);
        const b = await fork(await fork(a, [tip]));
        await stage.commit(aChildOf(b), [tip]);
        expect(await places(tip)).toEqual([]);
        expect(await stage.events()).toEqual([
          'tip r1 confirmed',
          'tip.updated r2 confirmed',
          'tip.retracted r3 orphaned',
          'tip.updated r4 confirmed',
        ]);
      });

      it('stays away from a block whose commit had to wait for the erasure', async () => {
        const tip = aSecret();
        const b = await fork(await inABlock([tip]));
        let committing: Promise<CommitOutcome> | undefined;
        await stage.storage.database.transaction(async (open) => {
          await eraseIn(open, tip);
          committing = stage.commit(aChildOf(b), [tip]);
          await isWaitedFor();
        });
        expect(await committing).toEqual(stage.committed(true, false));
        expect(await stage.texts()).toEqual([tip.message, tip.message, '']);
        await erase(tip);
        expect(await places(tip)).toEqual([]);
      });

      it.each(['seen', 'dropped', 'orphaned', 'lost'] as const)('stays away from the block that seals a tip which is %s', async (state) => {
        const { ledger } = stage.storage;
        await stage.alertAfter(0);
        const tip = aSecret();
        await ledger.sight(stage.chainId, 1, { seenAtMs: 5, number: 101, tips: [tip] });
        let head = stage.genesis;
        if (state === 'dropped') await ledger.drop(stage.chainId, 1, 101);
        if (state === 'orphaned' || state === 'lost') head = await fork(await inABlock([tip]));
        if (state === 'lost') await stage.finalize({ finalized: head });
        expect(await sql('SELECT state FROM tips WHERE chain_id = $1', [stage.chainId])).toEqual([{ state }]);
        await erase(tip);
        const block = aChildOf(head);
        await stage.commit(block, [tip]);
        await stage.finalize({ finalized: block });
        expect(await places(tip)).toEqual([]);
        expect((await stage.events()).at(-1)).toMatch(/^tip.updated r\d finalized$/);
      });

      it('does not wait in the way of a reorg: while it waits for the chain, its tip is free', async () => {
        const tip = aSecret();
        await inABlock([tip]);
        let erasing: Promise<boolean> | undefined;
        await stage.storage.database.transaction(async (open) => {
          // As a reorg locks: its chain, all streams that it may touch, then tips.
          await open.run('SELECT FROM chain_cursors WHERE chain_id = $1 FOR UPDATE', [stage.chainId]);
          await open.run('SELECT FROM creator_streams WHERE creator_id = $1 FOR NO KEY UPDATE', [stage.creator.id]);
          erasing = erase(tip);
          await isWaitedFor();
          await open.run('SELECT FROM tips WHERE chain_id = $1 FOR UPDATE NOWAIT', [stage.chainId]);
        });
        expect(await erasing).toBe(true);
        expect(await places(tip)).toEqual([]);
      });
    });

    describe('as people go on', () => {
      const told = async (tips: readonly SightedTip[]): Promise<BlockHeader> => {
        await stage.rules(HOLD_ALL);
        const block = await inABlock(tips);
        await stage.screen();
        return block;
      };

      it('leaves the verdict on its tip alone', async () => {
        const [held, rejected, shown] = [aSecret(), aSecret(), aSecret()];
        const tips = [held, rejected, shown];
        const a = await told(tips);
        await stage.reject(rejected);
        await stage.approve(shown);
        for (const tip of tips) await erase(tip);
        const b = await fork(await fork(a, tips));
        await stage.commit(aChildOf(b), tips);
        expect(await stage.screen()).toBe(false);
        for (const [tip, screening] of [[held, 'held'] as const, [rejected, 'rejected'] as const, [shown, 'shown'] as const]) {
          expect(await stage.queue(screening)).toEqual([tip.txHash]);
          expect(await places(tip)).toEqual([]);
        }
      });

      it('is not in what a person lets through who read it before', async () => {
        const tip = aSecret();
        await told([tip]);
        let approving: Promise<unknown> | undefined;
        await stage.storage.database.transaction(async (open) => {
          await open.run('SELECT FROM creator_streams WHERE creator_id = $1 FOR UPDATE', [stage.creator.id]);
          approving = stage.approve(tip);
          await isWaitedFor();
          await eraseIn(open, tip);
        });
        expect(await approving).toMatchObject({ screening: 'shown', shown: { message: '' } });
        expect(await stage.texts()).toEqual(['']);
        expect(await places(tip)).toEqual([]);
      });

      it('is not in a replay by a person who read it before', async () => {
        const tip = aSecret();
        await inABlock([tip]);
        let replaying: Promise<string> | undefined;
        await stage.storage.database.transaction(async (open) => {
          await open.run('SELECT FROM creator_streams WHERE creator_id = $1 FOR UPDATE', [stage.creator.id]);
          replaying = stage.replay(tip);
          await isWaitedFor();
          await eraseIn(open, tip);
        });
        const id = await replaying;
        expect(await stage.stream()).toMatchObject([
          { type: 'tip' },
          { type: 'tip.updated', d: { message: '' } },
          { id, d: { message: '' } },
        ]);
      });

      it('is waited for by a replay', async () => {
        const tip = aSecret();
        await inABlock([tip]);
        let replaying: Promise<string> | undefined;
        await stage.storage.database.transaction(async (open) => {
          await eraseIn(open, tip);
          replaying = stage.replay(tip);
          await isWaitedFor();
        });
        await replaying;
        expect((await stage.texts()).slice(1)).toEqual(['', '']);
      });
    });

    describe('as chores go on', () => {
      const again = () => stage.storage.retention.eraseAgain(1000);
      const soon = () => sql(`UPDATE erased_messages SET due_at = now() WHERE chain_id = $1`, [stage.chainId]);
      const bringBack = (tip: SightedTip) =>
        sql(`UPDATE tips SET message = $2, display = display || jsonb_build_object('message', $2::text) WHERE chain_id = $1`, [
          stage.chainId,
          tip.message,
        ]);
      const awaited = () => sql('SELECT count(*)::int FROM erased_messages WHERE chain_id = $1', [stage.chainId]);

      it('is taken out again, and its creator is named, when a writer that knows nothing of it brings it back', async () => {
        const tip = aSecret();
        await inABlock([tip]);
        await erase(tip);
        await bringBack(tip);
        expect(await again()).toEqual({ count: 1, creators: [stage.creator.id] });
        expect(await places(tip)).toEqual([]);
        await soon();
        expect(await again()).toEqual({ count: 0, creators: [] });
      });

      it('is looked after until its tip is final', async () => {
        const tip = aSecret();
        const block = await inABlock([tip]);
        await erase(tip);
        await again();
        await stage.finalize({ finalized: block });
        expect(await awaited()).toEqual([{ count: 1 }]);
        await soon();
        await again();
        expect(await awaited()).toEqual([{ count: 0 }]);
      });

      it('is looked after for a week when its tip has left the chain', async () => {
        const tip = aSecret();
        const b = await fork(await inABlock([tip]));
        await stage.finalize({ finalized: b });
        await erase(tip);
        await soon();
        await again();
        expect(await awaited()).toEqual([{ count: 1 }]);
        await sql(`UPDATE tip_sightings SET message = $2 WHERE chain_id = $1`, [stage.chainId, tip.message]);
        await soon();
        await again();
        expect(await places(tip)).toEqual([]);
        await sql(`UPDATE erased_messages SET erased_at = now() - interval '8 days' WHERE chain_id = $1`, [stage.chainId]);
        await soon();
        await again();
        expect(await awaited()).toEqual([{ count: 0 }]);
      });

      it('is left for the next time while a commit has its tip in hand', async () => {
        const tip = aSecret();
        const block = await inABlock([tip]);
        await erase(tip);
        await bringBack(tip);
        await stage.finalize({ finalized: block });
        await stage.storage.database.transaction(async (open) => {
          await hold(open, tip);
          expect(await again()).toEqual({ count: 0, creators: [] });
        });
        expect(await again()).toEqual({ count: 1, creators: [stage.creator.id] });
        expect(await places(tip)).toEqual([]);
        expect(await awaited()).toEqual([{ count: 0 }]);
      });

      it.each([[[1, 3]], [[6]]])(
        'of an account that is gone waits for no commit, and passes over no tip that one has in hand: %j',
        async (nths) => {
          const secret = aSecret();
          const tips = Array.from({ length: 7 }, () => stage.saying(secret.message));
          await inABlock(tips);
          await stage.storage.account.remove(stage.creator.id);
          const eraseAll = async (): Promise<number> => {
            let steps = 0;
            while ((await stage.storage.retention.eraseOfGone(3)) > 0) steps += 1;
            return steps;
          };
          const held = tips.filter((_, nth) => nths.includes(nth));
          await stage.storage.database.transaction(async (open) => {
            for (const tip of held) await hold(open, tip);
            expect(await eraseAll()).toBeLessThan(20);
          });
          expect(await places(secret)).toEqual(['tip_sightings', 'tips']);
          await sql(`UPDATE erased_wallets SET due_at = due_at - interval '10 seconds'`);
          expect(await eraseAll()).toBeLessThan(20);
          expect(await places(secret)).toEqual([]);
        },
      );
    });
  });
}
