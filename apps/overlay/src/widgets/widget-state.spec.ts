import { DEFAULT_OVERLAY_CONFIG, TOP_PERIODS, type WidgetOptions } from '@droppio/tips';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { happening, History, START_MS, TOKENS, type Happening } from '../testing/tip-history.js';
import { UNSURE } from './counted-tips.js';
import { ranked } from './top-board.js';
import { begin, fold, type WidgetState } from './widget-state.js';

const { goal, ticker, top } = DEFAULT_OVERLAY_CONFIG;
const eth = { unit: 'token' as const, chainId: 1, token: TOKENS[0], symbol: 'ETH', decimals: 18 };
const since = fc.constantFrom(null, new Date(START_MS).toISOString());
const unit = fc.constantFrom(eth, eth, eth, { ...eth, token: TOKENS[1] }, { ...eth, chainId: 2 }, { unit: 'usd' as const });
const options = fc
  .record({
    ...{ widget: fc.constantFrom('goal' as const, 'ticker' as const, 'top' as const), unit, since },
    ...{ showMessages: fc.boolean(), period: fc.constantFrom(...TOP_PERIODS) },
  })
  .map(({ widget, unit: by, since: from, showMessages, period }): WidgetOptions => ({
    ...{ ...DEFAULT_OVERLAY_CONFIG, widget },
    goal: { ...goal, ...by, target: '1', start: '0', since: from },
    ticker: { ...ticker, showMessages },
    top: { ...top, ...by, period },
  }));
/** Small ones, so that what is behind them matters. */
const limits = fc.record({ tips: fc.integer({ min: 1, max: 6 }), tippers: fc.integer({ min: 1, max: 4 }) });
const story = fc.array(happening, { maxLength: 40, size: 'max' });

/** Asks anew wherever the page would. */
function heard(history: History, asked: WidgetOptions, from: number, cut: typeof limits extends fc.Arbitrary<infer T> ? T : never) {
  const ask = (seq: number): WidgetState | undefined => begin(history.answerAt(seq, asked, cut), asked);
  let state = ask(from);
  let questions = 1;
  // From the first one on: what is in the answer already changes nothing.
  for (const frame of history.frames) {
    if (state === undefined) break;
    for (const again of [frame, frame]) {
      const next: WidgetState | typeof UNSURE = fold(state, again);
      if (next === UNSURE) questions += 1;
      state = next === UNSURE ? ask(again.seq) : next;
      if (state === undefined) break;
    }
  }
  return { state, questions };
}

function figures(state: WidgetState | undefined, cut: { readonly tips: number; readonly tippers: number }): unknown {
  if (state?.kind === 'goal') return state.amount;
  if (state?.kind === 'ticker') return state.tips.slice(0, cut.tips).map((tip) => ({ ...tip, rank: 0 }));
  return state === undefined
    ? undefined
    : ranked(state)
        .slice(0, cut.tippers)
        .map(({ from, tips, amount }) => ({ from, tips, amount }));
}

describe('the state of a widget', () => {
  it('is what a fresh count of all tips that stand gives, wherever it began and whatever came twice', () => {
    fc.assert(
      fc.property(story, options, fc.nat(40), limits, (happenings, asked, start, cut) => {
        const history = new History(happenings);
        const end = history.frames.length;
        const { state } = heard(history, asked, Math.min(start, end), cut);
        expect(figures(state, cut)).toEqual(figures(begin(history.answerAt(end, asked, cut), asked), cut));
        if (end > 0) expect(state?.seq).toBe(end);
      }),
      { numRuns: 1500 },
    );
  });

  it('needs the server once only, where all that happens is about tips that it has heard of', () => {
    fc.assert(
      fc.property(story, options, (happenings, asked) => {
        fc.pre(asked.widget === 'ticker' || (asked.widget === 'goal' ? asked.goal : asked.top).unit === 'token');
        // No two in one second.
        const history = new History(happenings.map((one, minute) => ({ ...one, hasNoClock: false, minute })));
        expect(heard(history, asked, 0, { tips: 50, tippers: 100 }).questions).toBe(1);
      }),
      { numRuns: 500 },
    );
  });

  const once = (what: Happening['what'], tip = 0): Happening => ({ tip, what, sender: 0, token: 0, raw: 5n, minute: 1, hasNoClock: false });
  const asked: WidgetOptions = { ...DEFAULT_OVERLAY_CONFIG, widget: 'goal', goal: { ...goal, ...eth, target: '9', start: '0' } };

  it('does not guess what an older tip was that is taken back', () => {
    const history = new History([once('tell'), once('retract')]);
    const state = begin(history.answerAt(1, asked), asked);
    expect(state).toMatchObject({ amount: 5n });
    expect(state && history.frames[1] && fold(state, history.frames[1])).toBe(UNSURE);
  });

  it('takes no amount that is none', () => {
    const [frame] = new History([once('tell')]).frames;
    const state = begin(new History([]).answerAt(0, asked), asked);
    for (const raw of ['', '-1', '1e3', '1.5', '9'.repeat(79)]) {
      const told = frame && { ...frame, d: { ...frame.d, amount: { ...frame.d.amount, raw } } };
      expect(state && told && fold(state, told)).toBe(UNSURE);
    }
  });

  it('begins with nothing when the server answers about another widget', () => {
    expect(begin(new History([]).answerAt(0, asked), { ...asked, widget: 'top' })).toBeUndefined();
    expect(begin({ widget: 'alerts' }, asked)).toBeUndefined();
  });
});
