import { describe, expect, it } from 'vitest';
import { AlertSettled, SHOW_EVERYTHING, type SightedTip } from '@droppio/tips';
import { aBlock, aChildOf } from '@droppio/tips/testing';
import { aCommit, aCreator, story, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';
import { HIDE_RUDE, HOLD_ALL, REJECT_RUDE, someRules } from './testing/moderation-story.js';
import { ScreeningStage } from './testing/screening-stage.js';

/** The part of `TipLedger` that stands between a stored tip and the screen. */
export function describeScreening(where: string, make: () => Promise<TestStorage>): void {
  describe(`screening on ${where}`, () => {
    const stage = ScreeningStage.set(make);

    describe('without rules', () => {
      it('is not there: a tip is told in its commit, and nobody is asked to screen it', async () => {
        expect(await stage.commit(aChildOf(stage.genesis), [stage.saying('rude')])).toEqual(stage.committed(true, false));
        expect(await stage.screen()).toBe(false);
        expect(await stage.texts()).toEqual(['rude']);
      });

      it('is not there either when the rules could not change any tip', async () => {
        expect(await stage.rules(SHOW_EVERYTHING)).toBe(2);
        expect(await stage.commit(aChildOf(stage.genesis), [stage.saying('rude')])).toEqual(stage.committed(true, false));
      });

      it('tells of what waited when the rules went away', async () => {
        await stage.rules(HOLD_ALL);
        await stage.commit(aChildOf(stage.genesis), [stage.saying('rude')]);
        await stage.rules(SHOW_EVERYTHING);
        expect(await stage.screen()).toBe(true);
        expect(await stage.events()).toEqual(['tip r1 confirmed']);
      });
    });

    describe('by rules', () => {
      it('tells after the verdict, and of the screened text only', async () => {
        await stage.rules(HIDE_RUDE);
        expect(await stage.commit(aChildOf(stage.genesis), [stage.saying('so rude'), stage.saying('so kind')])).toEqual(
          stage.committed(false, true),
        );
        expect(await stage.events()).toEqual([]);
        expect(await stage.screen()).toBe(true);
        expect(await stage.texts()).toEqual(['', 'so kind']);
        expect(await stage.stored()).toEqual(['so kind', 'so rude']);
      });

      it('says when the listener saw the header, and when the block was, as without rules', async () => {
        await stage.rules(HIDE_RUDE);
        const block = aChildOf(stage.genesis);
        await stage.commit(block, [stage.saying('kind')]);
        await stage.screen();
        expect(await stage.stream()).toMatchObject([{ at: { block: block.timestampMs, seen: block.timestampMs + 300 } }]);
      });

      it('writes a rejected text in no event, whatever becomes of its tip', async () => {
        await stage.rules(REJECT_RUDE);
        const rude = stage.saying('so rude');
        const a = aChildOf(stage.genesis);
        await stage.commit(a, [rude]);
        await stage.screen();
        await stage.finalize({ safe: a });
        const b = aChildOf(stage.genesis);
        await stage.reorg(a, [[b, []]]);
        const c = aChildOf(b);
        await stage.commit(c, [rude]);
        await stage.screen();
        await stage.finalize({ safe: c, finalized: c });
        await stage.screen();
        expect(await stage.rows()).toEqual([]);
        expect(await stage.queue('rejected')).toEqual([rude.txHash]);
        await expect(stage.approve(rude)).rejects.toThrow(AlertSettled);
        await expect(stage.replay(rude)).rejects.toThrow('rejected');
      });

      it('keeps what it showed in every later event', async () => {
        await stage.rules(someRules({ hideSenders: true }, { entries: ['rude'] }));
        const [rude, a] = [stage.saying('so rude'), aChildOf(stage.genesis)];
        await stage.commit(a, [rude]);
        await stage.screen();
        await stage.finalize({ safe: a });
        const b = aChildOf(stage.genesis);
        await stage.reorg(a, [[b, []]]);
        const c = aChildOf(b);
        await stage.commit(c, [rude]);
        await stage.finalize({ finalized: c });
        expect(await stage.events()).toEqual([
          'tip r1 confirmed',
          'tip.updated r2 safe',
          'tip.retracted r3 orphaned',
          'tip.updated r4 confirmed',
          'tip.updated r5 finalized',
        ]);
        const told = JSON.stringify(await stage.rows());
        expect(told).not.toContain('so rude');
        expect(told).not.toContain(rude.from.slice(2));
      });

      it('is by the rules of the moment of telling, though others held when the tip came', async () => {
        await stage.rules(HIDE_RUDE);
        await stage.commit(aChildOf(stage.genesis), [stage.saying('so rude')]);
        await stage.rules(REJECT_RUDE);
        expect(await stage.screen()).toBe(false);
        expect(await stage.queue('rejected')).toHaveLength(1);
      });

      it('holds who comes for the first time, and knows him once he was let through', async () => {
        await stage.rules(someRules({ holdFirstTime: true }));
        const first = stage.saying('hello');
        const a = aChildOf(stage.genesis);
        await stage.commit(a, [first]);
        await stage.screen();
        expect(await stage.queue('held')).toEqual([first.txHash]);
        await stage.approve(first);
        await stage.commit(aChildOf(a), [stage.saying('again', { from: first.from }), stage.saying('who am I')]);
        await stage.screen();
        expect(await stage.texts()).toEqual(['hello', 'again']);
      });

      it('judges many in the order of the chain, gapless', async () => {
        await stage.rules(HIDE_RUDE);
        const tips = Array.from({ length: 250 }, (_, index) => stage.saying(`number ${String(index)}`));
        await stage.commit(aChildOf(stage.genesis), tips);
        expect(await stage.screen()).toBe(true);
        const told = await stage.stream();
        expect(told.map(({ seq }) => seq)).toEqual(tips.map((_, index) => index + 1));
        expect(await stage.texts()).toEqual(tips.map(({ message }) => message));
      });
    });

    describe('beside the chain', () => {
      it('waits for the blocks that the creator wants first', async () => {
        await stage.alertAfter(2);
        await stage.rules(HIDE_RUDE);
        const a = aChildOf(stage.genesis);
        expect(await stage.commit(a, [stage.saying('so rude')])).toEqual(stage.committed(false, false));
        expect(await stage.screen()).toBe(false);
        expect(await stage.commit(aChildOf(a))).toEqual(stage.committed(false, true));
        expect(await stage.screen()).toBe(true);
        expect(await stage.texts()).toEqual(['']);
      });

      it('lets a tip become final unseen, and tells it then only if it may be shown', async () => {
        await stage.alertAfter(64);
        await stage.rules(REJECT_RUDE);
        const a = aChildOf(stage.genesis);
        await stage.commit(a, [stage.saying('so rude'), stage.saying('so kind')]);
        expect(await stage.finalize({ finalized: a })).toEqual(stage.committed(false, true));
        expect(await stage.events()).toEqual([]);
        await stage.screen();
        expect(await stage.texts()).toEqual(['so kind']);
        expect(await stage.events()).toEqual(['tip r2 finalized']);
      });

      it('does not let finality tell what is held, rejected or still waits', async () => {
        await stage.rules(someRules({ mode: 'hold' }, { entries: ['rude'], action: 'reject' }));
        const a = aChildOf(stage.genesis);
        const [held, rude] = [stage.saying('kind'), stage.saying('rude')];
        await stage.commit(a, [held, rude]);
        await stage.screen();
        const b = aChildOf(a);
        await stage.commit(b, [stage.saying('kinder')]);
        await stage.finalize({ finalized: b });
        expect(await stage.events()).toEqual([]);
        await stage.approve(held);
        expect(await stage.events()).toEqual(['tip r2 finalized']);
        await stage.screen();
        expect(await stage.queue('held')).toHaveLength(1);
      });

      it('forgets a tip that leaves the chain before it was judged, and begins anew where it comes back', async () => {
        await stage.rules(HIDE_RUDE);
        const [tip, a, b] = [stage.saying('so rude'), aChildOf(stage.genesis), aChildOf(stage.genesis)];
        await stage.commit(a, [tip]);
        expect(await stage.reorg(a, [[b, []]])).toEqual(stage.committed(false, false));
        expect(await stage.screen()).toBe(false);
        expect(await stage.commit(aChildOf(b), [tip])).toEqual(stage.committed(false, true));
        await stage.screen();
        expect(await stage.events()).toEqual(['tip r3 confirmed']);
        expect(await stage.texts()).toEqual(['']);
      });

      it('takes a held tip that leaves the chain off the queue, and brings it back with its block', async () => {
        await stage.rules(HOLD_ALL);
        const [tip, a, b] = [stage.saying('kind'), aChildOf(stage.genesis), aChildOf(stage.genesis)];
        await stage.commit(a, [tip]);
        await stage.screen();
        await stage.reorg(a, [[b, []]]);
        expect(await stage.queue('held')).toEqual([]);
        await expect(stage.approve(tip)).rejects.toThrow(AlertSettled);
        await expect(stage.reject(tip)).rejects.toThrow('orphaned');
        expect(await stage.commit(aChildOf(b), [tip])).toEqual(stage.committed(false, false));
        expect(await stage.queue('held')).toEqual([tip.txHash]);
        await stage.approve(tip);
        expect(await stage.events()).toEqual(['tip r3 confirmed']);
      });

      it('keeps a verdict over a move with the same facts, there and back', async () => {
        await stage.rules(HOLD_ALL);
        const [held, rejected, shown] = [stage.saying('a'), stage.saying('b'), stage.saying('c')];
        const [a, b] = [aChildOf(stage.genesis), aChildOf(stage.genesis)];
        const tips = [held, rejected, shown];
        await stage.commit(a, tips);
        await stage.screen();
        await stage.reject(rejected);
        await stage.approve(shown);
        for (const [from, to] of [
          [a, b],
          [b, a],
          [a, b],
        ] as const) {
          expect(await stage.reorg(from, [[to, tips]])).toEqual(stage.committed(false, false));
          expect(await stage.screen()).toBe(false);
        }
        expect(await stage.events()).toEqual(['tip r1 confirmed']);
        expect(await stage.queue('held')).toEqual([held.txHash]);
        expect(await stage.queue('rejected')).toEqual([rejected.txHash]);
      });

      it('keeps a verdict when the operator writes a token in another way, and shows the tip as it was let through', async () => {
        await stage.rules(someRules({ mode: 'hold', hideSenders: true }, { entries: ['rude'], action: 'hide-message' }));
        const [held, rejected, shown] = [stage.saying('a'), stage.saying('b'), stage.saying('so rude')];
        const [a, tips] = [aChildOf(stage.genesis), [held, rejected, shown]];
        await stage.commit(a, tips);
        await stage.screen();
        await stage.reject(rejected);
        await stage.approve(shown);
        expect(await stage.reorg(a, [[aChildOf(stage.genesis), tips.map((tip) => priced(tip, 'WEI'))]])).toEqual(
          stage.committed(true, false),
        );
        expect(await stage.screen()).toBe(false);
        expect(await stage.queue('held')).toEqual([held.txHash]);
        expect(await stage.queue('rejected')).toEqual([rejected.txHash]);
        expect(await stage.events()).toEqual(['tip r1 confirmed', 'tip.updated r2 confirmed']);
        expect(await stage.stream()).toMatchObject([{}, { d: { name: 'Someone', message: '', amount: { symbol: 'WEI' } } }]);
        await stage.approve(held);
        expect((await stage.stream()).at(-1)).toMatchObject({ rev: 2, d: { name: 'Someone', message: 'a', amount: { symbol: 'WEI' } } });
      });

      it('judges a tip anew that another branch gives other facts', async () => {
        await stage.rules(REJECT_RUDE);
        const [tip, a, b] = [stage.saying('so rude'), aChildOf(stage.genesis), aChildOf(stage.genesis)];
        await stage.commit(a, [tip]);
        await stage.screen();
        const kind = stage.saying('so kind', { txHash: tip.txHash });
        expect(await stage.reorg(a, [[b, [kind]]])).toEqual(stage.committed(false, true));
        expect(await stage.screen()).toBe(true);
        expect(await stage.texts()).toEqual(['so kind']);
      });

      it('blanks a told tip that another branch gives other facts, until those are judged', async () => {
        await stage.rules(HIDE_RUDE);
        const [tip, a, b] = [stage.saying('kind'), aChildOf(stage.genesis), aChildOf(stage.genesis)];
        await stage.commit(a, [tip]);
        await stage.screen();
        expect(await stage.reorg(a, [[b, [stage.saying('kinder', { txHash: tip.txHash })]]])).toEqual(stage.committed(true, true));
        expect(await stage.texts()).toEqual(['kind', '']);
        expect(await stage.screen()).toBe(true);
        expect(await stage.texts()).toEqual(['kind', '', 'kinder']);
        const c = aChildOf(stage.genesis);
        await stage.reorg(b, [[c, [stage.saying('rude', { txHash: tip.txHash })]]]);
        expect(await stage.screen()).toBe(true);
        expect(await stage.texts()).toEqual(['kind', '', 'kinder', '', '']);
        expect(await stage.events()).toEqual(['tip r1 confirmed', ...[2, 3, 4, 5].map((rev) => `tip.updated r${String(rev)} confirmed`)]);
      });

      it.each([
        ['judges', HIDE_RUDE, ['kinder', '']],
        ['shows', SHOW_EVERYTHING, ['so rude', 'kinder']],
      ] as const)('%s a blanked tip that left the chain before its verdict, once it is back', async (_what, rules, last) => {
        await stage.rules(HIDE_RUDE);
        const told = [stage.saying('one'), stage.saying('two')];
        const [a, b, c] = [aChildOf(stage.genesis), aChildOf(stage.genesis), aChildOf(stage.genesis)];
        await stage.commit(a, told);
        await stage.screen();
        const rewritten = told.map(({ txHash }, nth) => stage.saying(nth === 0 ? 'so rude' : 'kinder', { txHash }));
        await stage.reorg(a, [[b, rewritten]]);
        await stage.reorg(b, [[c, []]]);
        await stage.rules(rules);
        await stage.commit(aChildOf(c), rewritten);
        await stage.screen();
        expect(new Set((await stage.texts()).slice(-2))).toEqual(new Set(last));
        const revs = (await stage.stream()).map((event) => ('rev' in event ? event.rev : 0));
        expect(Math.max(...revs)).toBe(rules === SHOW_EVERYTHING ? 4 : 5);
      });

      it('never plays a told tip twice that was rewritten, held by rules and shown again', async () => {
        await stage.rules(HIDE_RUDE);
        const [tip, a, b] = [stage.saying('kind'), aChildOf(stage.genesis), aChildOf(stage.genesis)];
        await stage.commit(a, [tip]);
        await stage.screen();
        await stage.rules(HOLD_ALL);
        await stage.reorg(a, [[b, [stage.saying('kinder', { txHash: tip.txHash })]]]);
        await stage.screen();
        expect(await stage.texts()).toEqual(['kind', '']);
        expect(await stage.queue('held')).toEqual([]);
        expect((await stage.events()).filter((event) => event.startsWith('tip r'))).toHaveLength(1);
      });

      it('goes by the rules of whom a fork gives the tip to', async () => {
        await stage.rules(HOLD_ALL);
        const other = await aCreator(stage.storage);
        const [tip, a, b] = [stage.saying('kind'), aChildOf(stage.genesis), aChildOf(stage.genesis)];
        await stage.commit(a, [tip]);
        await stage.screen();
        await stage.reorg(a, [[b, [{ ...tip, creator: walletOf(other) }]]]);
        expect(story(await stage.storage.ledger.eventsAfter(other.id, 0, 10))).toEqual(['tip r2 confirmed']);
        expect(await stage.queue('held')).toEqual([]);
        expect(await stage.events()).toEqual([]);
        const c = aChildOf(stage.genesis);
        expect(await stage.reorg(b, [[c, [tip]]])).toMatchObject({ unscreened: [stage.creator.id] });
        expect(story(await stage.storage.ledger.eventsAfter(other.id, 0, 10))).toEqual(['tip r2 confirmed', 'tip.retracted r3 confirmed']);
      });

      it('holds an approved tip back whose new block is too young, and tells it without asking again', async () => {
        await stage.rules(HOLD_ALL);
        await stage.alertAfter(2);
        const [tip, a, b] = [stage.saying('kind'), aChildOf(stage.genesis), aChildOf(stage.genesis)];
        await stage.commit(a, [tip], 1);
        await stage.screen();
        await stage.reorg(a, [[b, [tip]]]);
        expect(await stage.approve(tip)).toMatchObject({ screening: 'shown' });
        expect(await stage.events()).toEqual([]);
        expect(await stage.commit(aChildOf(b))).toEqual(stage.committed(true, false));
        expect(await stage.events()).toEqual(['tip r1 confirmed']);
      });
    });

    describe('before the block', () => {
      const sight = (tips: readonly SightedTip[]) => stage.storage.ledger.sight(stage.chainId, 1, { seenAtMs: 5000, number: 101, tips });

      it('holds for promises too, and for what becomes of them', async () => {
        await stage.alertAfter(0);
        await stage.rules(HIDE_RUDE);
        const [rude, never] = [stage.saying('so rude'), stage.saying('rude, too')];
        expect(await sight([rude, never])).toEqual(stage.committed(false, true));
        expect(await stage.events()).toEqual([]);
        expect(await stage.commit(aChildOf(stage.genesis), [rude])).toEqual(stage.committed(false, true));
        expect(await stage.storage.ledger.drop(stage.chainId, 1, 101)).toEqual(stage.committed(false, false));
        expect(await stage.screen()).toBe(true);
        expect(await stage.events()).toEqual(['tip r2 confirmed']);
        expect(await stage.texts()).toEqual(['']);
      });

      it('retracts only what it told of', async () => {
        await stage.alertAfter(0);
        await stage.rules(someRules({}, { entries: ['rude'], action: 'hold' }));
        const [kind, rude] = [stage.saying('kind'), stage.saying('rude')];
        await sight([kind, rude]);
        await stage.screen();
        await stage.storage.ledger.drop(stage.chainId, 1, 101);
        expect(await stage.events()).toEqual(['tip r1 seen', 'tip.retracted r2 dropped']);
        expect(await stage.queue('held')).toEqual([]);
      });
    });

    describe('of the past', () => {
      it('asks of a backfilled tip only if it is an alert still', async () => {
        await stage.rules(REJECT_RUDE);
        const [old, young] = [aBlock({ number: 40 }), aBlock({ number: 41 })];
        const range = { from: 40, to: 41, filter: 'f', final: 100 };
        const outcome = await stage.storage.ledger.backfill(stage.chainId, range, [
          { ...aCommit(old, [stage.saying('rude')]), tell: false },
          { ...aCommit(young, [stage.saying('rude'), stage.saying('kind')]), tell: true },
        ]);
        expect(outcome).toMatchObject({ creators: [], unscreened: [stage.creator.id] });
        await stage.screen();
        expect(await stage.texts()).toEqual(['kind']);
        expect(await stage.queue('rejected')).toHaveLength(1);
      });
    });
  });
}

/** The same tip, its token's symbol from other settings. */
function priced(tip: SightedTip, symbol: string): SightedTip {
  return tip.display === undefined ? tip : { ...tip, display: { ...tip.display, amount: { ...tip.display.amount, symbol } } };
}
