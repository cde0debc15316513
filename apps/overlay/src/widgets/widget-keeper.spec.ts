import type { EventFrame, WidgetAnswer } from '@droppio/protocol';
import { DEFAULT_OVERLAY_CONFIG, type FeedPosition, type WidgetOptions } from '@droppio/tips';
import { ManualClock } from '@droppio/tips/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { History, TOKENS, type Happening } from '../testing/tip-history.js';
import { WidgetKeeper } from './widget-keeper.js';
import type { Asked } from './widget-source.js';
import type { WidgetState } from './widget-state.js';

const eth = { unit: 'token' as const, chainId: 1, token: TOKENS[0], symbol: 'ETH', decimals: 18 };
const options: WidgetOptions = {
  ...DEFAULT_OVERLAY_CONFIG,
  widget: 'goal',
  goal: { ...eth, title: '', target: '100', start: '0', since: null },
};
const tell = (tip: number): Happening => ({ tip, what: 'tell', sender: 0, token: 0, raw: 10n, minute: 1, hasNoClock: false });
const history = new History([...[0, 1, 2, 3].map(tell), { ...tell(3), what: 'retract' }, { ...tell(0), what: 'retract' }]);
const at = (seq: number, epoch = 'e1'): FeedPosition => ({ epoch, seq });
const changed = (answer: WidgetAnswer, change: { readonly of?: string; readonly epoch?: string }): WidgetAnswer =>
  answer.widget === 'alerts' ? answer : { ...answer, ...change };
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe(WidgetKeeper.name, () => {
  let clock: ManualClock;
  let keeper: WidgetKeeper;
  let drawn: (WidgetState | undefined)[];
  let asked: FeedPosition[];
  /** Answers in order of the questions. */
  let answers: ((asked: Asked) => void)[];

  beforeEach(() => {
    clock = new ManualClock();
    [drawn, asked, answers] = [[], [], []];
    keeper = new WidgetKeeper({
      clock,
      random: () => 0.5,
      draw: (state) => drawn.push(state),
      source: {
        read: (place) => {
          asked.push(place);
          return new Promise((resolve) => answers.push(resolve));
        },
      },
    });
    keeper.configure(options);
  });

  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  const answer = async (reply: WidgetAnswer | { retryMs: number | undefined }): Promise<void> => {
    answers.at(-1)?.('widget' in reply ? { answer: reply } : reply);
    await settle();
  };
  const hear = (...seqs: readonly number[]): void => {
    for (const seq of seqs) {
      const frame = history.frames[seq - 1];
      if (frame !== undefined) keeper.hear(frame, at(seq));
    }
  };
  const amount = (): bigint | undefined => {
    const state = drawn.at(-1);
    return state?.kind === 'goal' ? state.amount : undefined;
  };
  const begun = async (seq: number): Promise<void> => {
    keeper.ready(seq, at(seq));
    await pass(300);
    await answer(history.answerAt(seq, options));
  };

  it('asks where the stream is, and goes on by what it hears from there', async () => {
    await begun(1);
    expect(asked).toEqual([at(1)]);
    hear(2, 3);
    expect(amount()).toBe(30n);
    expect(asked).toHaveLength(1);
  });

  it('counts what came while the answer was on its way once, whichever of both was quicker', async () => {
    keeper.ready(1, at(1));
    await pass(300);
    hear(2, 3);
    await answer(history.answerAt(2, options));
    expect(amount()).toBe(30n);
  });

  it('asks again about an older tip that is taken back, and stands still until it knows', async () => {
    await begun(4);
    hear(5);
    await pass(300);
    expect([amount(), asked.at(-1)]).toEqual([40n, at(5)]);
    hear(6);
    await answer(history.answerAt(5, options));
    // The sixth takes back another one that the answer does not name.
    await pass(300);
    await answer(history.answerAt(6, options));
    expect(amount()).toBe(20n);
  });

  it('counts on nothing that is sent again, and asks for the head instead', async () => {
    await begun(1);
    keeper.ready(4, at(1));
    hear(2, 3, 4);
    expect(amount()).toBe(10n);
    await pass(2000);
    expect(asked.at(-1)).toEqual(at(4));
    // What is behind the place that was asked for changes nothing of the answer.
    keeper.hear({ op: 'event', type: 'summary', seq: 3, from: 2, d: { tips: 2, totals: [] } }, at(3));
    await answer(history.answerAt(4, options));
    expect(amount()).toBe(40n);
    keeper.ready(4, at(4));
    await pass(2000);
    expect(asked).toHaveLength(2);
  });

  it('asks again after a gap, a summary, and when the numbering begins anew; an answer from before is nobody’s', async () => {
    await begun(1);
    keeper.gap(at(3));
    await pass(2000);
    keeper.gap(at(4, 'e2'));
    await answer(history.answerAt(3, options));
    expect(amount()).toBe(10n);
    await pass(2000);
    expect(asked.at(-1)).toEqual(at(4, 'e2'));
    await answer(changed(history.answerAt(4, options), { epoch: 'e2' }));
    expect(amount()).toBe(40n);
    const summary: EventFrame = { op: 'event', type: 'summary', seq: 9, from: 5, d: { tips: 5, totals: [] } };
    keeper.hear(summary, at(9, 'e2'));
    await pass(2000);
    expect(asked.at(-1)).toEqual(at(9, 'e2'));
  });

  it('takes no answer to another question, of another numbering or from before, and comes back later each time', async () => {
    keeper.ready(2, at(2));
    await pass(300);
    const wrong = [
      changed(history.answerAt(2, options), { of: 'other' }),
      changed(history.answerAt(2, options), { epoch: 'e0' }),
      history.answerAt(1, options),
    ];
    for (const [n, reply] of [...wrong, { retryMs: undefined }, { widget: 'alerts' as const }].entries()) {
      await answer(reply);
      expect([drawn.at(-1), asked.length]).toEqual([undefined, n + 1]);
      await pass(60_000);
    }
    await answer({ retryMs: 90_000 });
    await pass(60_000);
    expect(asked).toHaveLength(6);
    await pass(90_000);
    await answer(history.answerAt(2, options));
    expect(amount()).toBe(20n);
  });

  it('draws a change of the look at once, and begins anew with another question', async () => {
    await begun(2);
    keeper.configure({ ...options, goal: { ...options.goal, title: 'Renamed' } });
    expect([amount(), asked.length]).toEqual([20n, 1]);
    keeper.configure({ ...options, goal: { ...options.goal, since: '2026-11-23T00:00:00.000Z' } });
    expect(drawn.at(-1)).toBeUndefined();
    await pass(0);
    expect(asked).toHaveLength(2);
    keeper.configure({ ...options, widget: 'alerts' });
    await answer(history.answerAt(2, options));
    await pass(600_000);
    expect([drawn.at(-1), asked.length]).toEqual([undefined, 2]);
  });

  it('looks again for prices that come after their tips, and now and then', async () => {
    const inUsd: WidgetOptions = { ...options, goal: { ...DEFAULT_OVERLAY_CONFIG.goal } };
    keeper.configure(inUsd);
    keeper.ready(1, at(1));
    await pass(300);
    await answer(history.answerAt(1, inUsd));
    hear(2);
    for (const afterMs of [300, 3000, 11_000, 61_000, 301_000]) {
      await pass(afterMs);
      await answer(history.answerAt(2, inUsd));
    }
    expect(asked).toHaveLength(6);
  });
});
