import { AlertSettled, NotFound } from '@droppio/tips';
import { aChildOf } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { hexToBytes } from './columns.js';
import { aCreator } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';
import { HIDE_RUDE, HOLD_ALL, someRules } from './testing/moderation-story.js';
import { ScreeningStage } from './testing/screening-stage.js';

/** What people take off the screen that is there already. */
export function describeHiddenMessages(where: string, make: () => Promise<TestStorage>): void {
  describe(`a hidden message on ${where}`, () => {
    const stage = ScreeningStage.set(make);

    it.each([
      ['rules', HIDE_RUDE],
      ['no rules', undefined],
    ])('is told to be gone, once, and the tip stays (%s)', async (_, rules) => {
      if (rules !== undefined) await stage.rules(rules);
      const tip = stage.saying('my address is …');
      await stage.commit(aChildOf(stage.genesis), [tip]);
      await stage.screen();
      const answers = await Promise.all(Array.from({ length: 4 }, () => stage.hideMessage(tip)));
      for (const answer of answers) {
        expect(answer).toMatchObject({ screening: 'shown', reason: 'message-hidden', shown: { message: '' } });
        expect(answer.display.message).toBe(tip.message);
      }
      expect(await stage.events()).toEqual(['tip r1 confirmed', 'tip.updated r2 confirmed']);
      expect(await stage.texts()).toEqual([tip.message, '']);
      expect(await stage.stored()).toEqual([tip.message]);
      expect(await stage.queue('shown')).toEqual([tip.txHash]);
    });

    it('stays hidden in every later event, in other blocks, and in replays, whatever the rules', async () => {
      const tip = stage.saying('my address is …');
      const a = aChildOf(stage.genesis);
      await stage.commit(a, [tip]);
      await stage.hideMessage(tip);
      const b = aChildOf(stage.genesis);
      await stage.reorg(a, [[b, [tip]]]);
      const c = aChildOf(stage.genesis);
      await stage.reorg(b, [[c, []]]);
      await stage.commit(aChildOf(c), [tip]);
      await stage.replay(tip);
      await stage.rules(HOLD_ALL);
      await stage.replay(tip);
      await stage.rules(someRules());
      await stage.replay(tip);
      expect((await stage.texts()).slice(1).every((text) => text === '')).toBe(true);
      expect((await stage.stream()).map(({ type }) => type)).toEqual([
        'tip',
        'tip.updated',
        'tip.retracted',
        'tip.updated',
        'test',
        'test',
        'test',
      ]);
    });

    it('makes nobody known who was not', async () => {
      const from = stage.saying('').from;
      const [first, second] = [stage.saying('bad', { from }), stage.saying('worse', { from })];
      const a = aChildOf(stage.genesis);
      await stage.commit(a, [first]);
      await stage.hideMessage(first);
      await stage.rules(someRules({ holdFirstTime: true }));
      await stage.commit(aChildOf(a), [second]);
      await stage.screen();
      expect(await stage.queue('held')).toEqual([second.txHash]);
    });

    it('is not for tips that are not on the screen, nor for anybody else', async () => {
      await stage.rules(HOLD_ALL);
      const tip = stage.saying('kind');
      const a = aChildOf(stage.genesis);
      await stage.commit(a, [tip]);
      await stage.screen();
      await expect(stage.hideMessage(tip)).rejects.toThrow('The tip is held.');
      await stage.approve(tip);
      const stranger = await aCreator(stage.storage);
      await expect(stage.storage.moderation.hideMessage(stranger.id, stage.keyOf(tip))).rejects.toThrow(NotFound);
      await stage.reorg(a, [[aChildOf(stage.genesis), []]]);
      await expect(stage.hideMessage(tip)).rejects.toThrow(AlertSettled);
    });

    it('waits for a commit without the stream in its hands', async () => {
      const tip = stage.saying('my address is …');
      await stage.commit(aChildOf(stage.genesis), [tip]);
      let hiding: Promise<unknown> | undefined;
      await stage.storage.database.transaction(async (sql) => {
        await sql.run('SELECT FROM tips WHERE tx_hash = $1 FOR UPDATE', [hexToBytes(tip.txHash)]);
        hiding = stage.hideMessage(tip);
        await sql.run('SELECT FROM creator_streams WHERE creator_id = $1 FOR UPDATE', [stage.creator.id]);
      });
      await hiding;
      expect(await stage.texts()).toEqual([tip.message, '']);
    });
  });
}
