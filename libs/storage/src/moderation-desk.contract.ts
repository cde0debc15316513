import { describe, expect, it } from 'vitest';
import { AlertSettled, NotFound, type CommitOutcome } from '@droppio/tips';
import { aChildOf } from '@droppio/tips/testing';
import { aCreator, walletOf } from './testing/chain-story.js';
import { hexToBytes } from './columns.js';
import { SET_RULES } from './moderation-statements.js';
import { APPLY_VERDICTS } from './screening-statements.js';
import type { TestStorage } from './testing/index.js';
import { HIDE_RUDE, HOLD_ALL, HOLD_RUDE, REJECT_RUDE, someRules } from './testing/moderation-story.js';
import { ScreeningStage } from './testing/screening-stage.js';
import { waiters } from './testing/text-places.js';

/** Several who screen at once, and the people behind `ModerationDesk`. */
export function describeModerationDesk(where: string, make: () => Promise<TestStorage>): void {
  describe(`moderation on ${where}`, () => {
    const stage = ScreeningStage.set(make);

    describe('by several at once', () => {
      it('tells each tip once', async () => {
        await stage.rules(HIDE_RUDE);
        await stage.commit(
          aChildOf(stage.genesis),
          Array.from({ length: 120 }, () => stage.saying('kind')),
        );
        await Promise.all(Array.from({ length: 6 }, () => stage.screen()));
        while (await stage.screen());
        expect((await stage.stream()).map(({ seq }) => seq)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
        expect(new Set((await stage.stream()).map(({ id }) => id)).size).toBe(120);
      });

      it('finds what nobody screened after a while, and not before', async () => {
        await stage.rules(HIDE_RUDE);
        await stage.commit(aChildOf(stage.genesis), [stage.saying('kind')]);
        expect(await stage.storage.ledger.unscreened(60_000, 1000)).not.toContain(stage.creator.id);
        expect(await stage.storage.ledger.unscreened(0, 1000)).toContain(stage.creator.id);
        await stage.screen();
        expect(await stage.storage.ledger.unscreened(0, 1000)).not.toContain(stage.creator.id);
      });

      it('is never in the way of a block, nor a block in its way', async () => {
        await stage.rules(HOLD_ALL);
        const a = aChildOf(stage.genesis);
        const tips = Array.from({ length: 40 }, (_, index) => stage.saying(`number ${String(index)}`));
        await stage.commit(a, tips);
        let [from, to] = [a, aChildOf(stage.genesis)];
        const flips = async (): Promise<void> => {
          for (let n = 0; n < 12; n += 1) {
            await stage.reorg(from, [[to, tips]]);
            [from, to] = [to, from];
          }
        };
        const people = tips.map((tip) => stage.approve(tip).catch(() => undefined));
        await Promise.all([flips(), stage.screen(), stage.screen(), ...people]);
        await stage.screen();
        for (const tip of tips) await stage.approve(tip);
        expect((await stage.stream()).map(({ seq }) => seq)).toEqual(tips.map((_, index) => index + 1));
        expect(await stage.queue('shown')).toHaveLength(40);
      });

      it('does not wait for a tip that a commit has in hand', async () => {
        await stage.rules(HIDE_RUDE);
        const [held, free] = [stage.saying('kind'), stage.saying('kinder')];
        await stage.commit(aChildOf(stage.genesis), [held, free]);
        await stage.storage.database.transaction(async (sql) => {
          await sql.run('SELECT FROM tips WHERE tx_hash = $1 FOR UPDATE', [hexToBytes(held.txHash)]);
          const begun = performance.now();
          expect(await stage.screen()).toBe(true);
          expect(performance.now() - begun).toBeLessThan(2500);
          expect(await stage.texts()).toEqual(['kinder']);
        });
        await stage.screen();
        expect(await stage.texts()).toEqual(['kinder', 'kind']);
      });

      it('replays no tip that a commit has in hand, and does not wait for it with the stream in its own', async () => {
        const tip = stage.saying('kind');
        await stage.commit(aChildOf(stage.genesis), [tip]);
        await stage.storage.database.transaction(async (sql) => {
          await sql.run('SELECT FROM tips WHERE tx_hash = $1 FOR UPDATE', [hexToBytes(tip.txHash)]);
          const begun = performance.now();
          await expect(stage.replay(tip)).rejects.toThrow('changed all the time');
          expect(performance.now() - begun).toBeLessThan(2500);
        });
        await stage.replay(tip);
        expect(await stage.events()).toEqual(['tip r1 confirmed', 'test']);
      });

      it('gives no verdict by rules that changed while it thought', async () => {
        await stage.rules(HIDE_RUDE);
        await stage.commit(aChildOf(stage.genesis), [stage.saying('so rude')]);
        let screening: Promise<boolean> | undefined;
        await stage.storage.database.transaction(async (sql) => {
          await sql.run(SET_RULES, [stage.creator.id, null, JSON.stringify(REJECT_RUDE), true]);
          screening = stage.screen();
          await expect.poll(() => waiters(stage.storage.database)).toBeGreaterThan(0);
        });
        expect(await screening).toBe(false);
        expect(await stage.queue('rejected')).toHaveLength(1);
      });

      it('gives no verdict on a tip that changed while it thought', async () => {
        await stage.rules(HIDE_RUDE);
        const [tip, a, b] = [stage.saying('kind'), aChildOf(stage.genesis), aChildOf(stage.genesis)];
        await stage.commit(a, [tip]);
        let screening: Promise<boolean> | undefined;
        await stage.storage.database.transaction(async (sql) => {
          await sql.run('SELECT FROM creator_streams WHERE creator_id = $1 FOR UPDATE', [stage.creator.id]);
          screening = stage.screen();
          await expect.poll(() => waiters(stage.storage.database)).toBeGreaterThan(0);
          // What a fork does to it: other facts, another revision.
          await sql.run(`UPDATE tips SET message = 'rude', rev = rev + 1, display = display || '{"message":"rude"}' WHERE tx_hash = $1`, [
            hexToBytes(tip.txHash),
          ]);
        });
        await screening;
        expect(await stage.texts()).toEqual(['']);
        await stage.reorg(a, [[b, []]]);
      });

      it('lets finality that waited for a verdict go on from it', async () => {
        await stage.rules(HIDE_RUDE);
        const [tip, a] = [stage.saying('kind'), aChildOf(stage.genesis)];
        await stage.commit(a, [tip]);
        let finalizing: Promise<CommitOutcome> | undefined;
        await stage.storage.database.transaction(async (sql) => {
          const verdict = {
            pos: 0,
            chain_id: stage.chainId,
            tx_hash: tip.txHash.slice(2),
            ordinal: 0,
            rev: 1,
            erased: false,
            screening: 'shown',
            shown: tip.display,
          };
          await sql.run(APPLY_VERDICTS, [stage.creator.id, 2, JSON.stringify([verdict]), 0, 'waiting']);
          finalizing = stage.finalize({ finalized: a });
          await expect.poll(() => waiters(stage.storage.database)).toBeGreaterThan(0);
        });
        await finalizing;
        expect(await stage.events()).toEqual(['tip r1 confirmed', 'tip.updated r2 finalized']);
      });

      it('screens a tip whose commit was under way when the rules came', async () => {
        const first = await aCreator(stage.storage);
        const [ahead, behind] = [first, stage.creator].sort((x, y) => (x.id < y.id ? -1 : 1));
        if (ahead === undefined || behind === undefined) throw new Error('two creators');
        stage.creator = behind;
        let committing: Promise<CommitOutcome> | undefined;
        await stage.storage.database.transaction(async (sql) => {
          await sql.run('SELECT FROM creator_streams WHERE creator_id = $1 FOR UPDATE', [ahead.id]);
          committing = stage.commit(aChildOf(stage.genesis), [stage.saying('hello', { creator: walletOf(ahead) }), stage.saying('rude')]);
          await expect.poll(() => waiters(stage.storage.database)).toBeGreaterThan(0);
          await stage.rules(REJECT_RUDE);
        });
        expect(await committing).toEqual({ kind: 'committed', creators: [ahead.id], unscreened: [behind.id] });
        await stage.screen();
        expect(await stage.rows()).toEqual([]);
      });
    });

    describe('by people', () => {
      it('tells a held tip once, however often it is approved', async () => {
        await stage.rules(HOLD_ALL);
        const tip = stage.saying('kind');
        await stage.commit(aChildOf(stage.genesis), [tip]);
        await stage.screen();
        expect(await stage.events()).toEqual([]);
        const answers = await Promise.all(Array.from({ length: 4 }, () => stage.approve(tip)));
        expect(answers.map(({ screening, reason }) => ({ screening, reason }))).toEqual(
          Array.from({ length: 4 }, () => ({ screening: 'shown', reason: 'person' })),
        );
        expect(await stage.events()).toEqual(['tip r1 confirmed']);
        await expect(stage.reject(tip)).rejects.toThrow('The tip is shown.');
      });

      it('keeps a rejected one back for good, and says so to who approves it', async () => {
        await stage.rules(HOLD_ALL);
        const tip = stage.saying('kind');
        await stage.commit(aChildOf(stage.genesis), [tip]);
        await stage.screen();
        for (let n = 0; n < 2; n += 1) expect(await stage.reject(tip)).toMatchObject({ screening: 'rejected', reason: 'person' });
        await expect(stage.approve(tip)).rejects.toThrow('The tip is rejected.');
        expect(await stage.events()).toEqual([]);
      });

      it('shows what is approved by the rules of now', async () => {
        await stage.rules(HOLD_ALL);
        const tip = stage.saying('see example.com');
        await stage.commit(aChildOf(stage.genesis), [tip]);
        await stage.screen();
        await stage.rules(someRules({ stripLinks: true, hideSenders: true }));
        await stage.approve(tip);
        expect(await stage.stream()).toMatchObject([{ d: { message: 'see', name: 'Someone' } }]);
        expect(JSON.stringify(await stage.rows())).not.toContain(tip.from.slice(2));
      });

      it('plays what is approved late as news that says nothing about speed', async () => {
        await stage.rules(HOLD_ALL);
        const tip = stage.saying('kind');
        await stage.commit(aChildOf(stage.genesis), [tip]);
        await stage.screen();
        const before = Date.now();
        await stage.approve(tip);
        const [event] = await stage.stream();
        expect(event?.at.block).toBeUndefined();
        expect(event?.at.seen).toBeGreaterThanOrEqual(before);
      });

      it('plays a shown tip again under another id, as it may be seen now', async () => {
        const tip = stage.saying('so rude');
        const a = aChildOf(stage.genesis);
        await stage.commit(a, [tip]);
        await stage.rules(HIDE_RUDE);
        const id = await stage.replay(tip);
        const [, again] = await stage.stream();
        expect(again).toMatchObject({ seq: 2, type: 'test', id, d: { message: '', replayOf: `${String(stage.chainId)}-${tip.txHash}-0` } });
        await stage.reorg(a, [[aChildOf(stage.genesis), []]]);
        await expect(stage.replay(tip)).rejects.toThrow(AlertSettled);
      });

      it.each([
        ['hide', HIDE_RUDE],
        ['hold', HOLD_RUDE],
        ['reject', REJECT_RUDE],
        ['hold, like every other,', HOLD_ALL],
      ])('plays a tip without its message again that the rules would %s now, whatever they were', async (_what, rules) => {
        const tip = stage.saying('so rude');
        await stage.rules(HIDE_RUDE);
        await stage.commit(aChildOf(stage.genesis), [tip]);
        await stage.screen();
        expect(await stage.texts()).toEqual(['']);
        await stage.rules(rules);
        await stage.replay(tip);
        expect((await stage.stream()).at(-1)).toMatchObject({ type: 'test', d: { message: '' } });
      });

      it.each([
        ['all of it where they would only ask again', HOLD_RUDE, 'so rude'],
        ['no message that they hide', HIDE_RUDE, ''],
        ['no message that they reject', REJECT_RUDE, ''],
      ])('plays again of what a person has let through %s', async (_what, rules, message) => {
        const tip = stage.saying('so rude');
        await stage.rules(HOLD_ALL);
        await stage.commit(aChildOf(stage.genesis), [tip]);
        await stage.screen();
        await stage.approve(tip);
        await stage.rules(rules);
        await stage.replay(tip);
        expect((await stage.stream()).at(-1)).toMatchObject({ type: 'test', d: { message } });
      });

      it('reaches nobody else’s tips', async () => {
        await stage.rules(HOLD_ALL);
        const tip = stage.saying('kind');
        await stage.commit(aChildOf(stage.genesis), [tip]);
        await stage.screen();
        const stranger = await aCreator(stage.storage);
        for (const act of ['approve', 'reject', 'replay'] as const)
          await expect(stage.storage.moderation[act](stranger.id, stage.keyOf(tip))).rejects.toThrow(NotFound);
        expect(await stage.storage.moderation.alerts({ creatorId: stranger.id, screening: 'held', limit: 5 })).toEqual({ tips: [] });
        expect(await stage.queue('held')).toEqual([tip.txHash]);
      });

      it('sees the queue in pages, each tip once, newest first', async () => {
        await stage.rules(HOLD_ALL);
        let at = stage.genesis;
        const all: string[] = [];
        for (let n = 0; n < 4; n += 1) {
          at = aChildOf(at);
          const tips = [stage.saying('a'), stage.saying('b')];
          await stage.commit(at, tips);
          all.unshift(...tips.map(({ txHash }) => txHash).sort((x, y) => (x < y ? 1 : -1)));
        }
        await stage.screen();
        const read: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await stage.storage.moderation.alerts({
            creatorId: stage.creator.id,
            screening: 'held',
            limit: 3,
            ...(cursor !== undefined && { cursor }),
          });
          read.push(...page.tips.map(({ txHash }) => txHash));
          cursor = page.next;
        } while (cursor !== undefined);
        expect(read).toEqual(all);
      });
    });
  });
}
