import type { TipFrame, WidgetAnswer } from '@droppio/protocol';
import { tickerShowsMessages, type WidgetOptions } from '@droppio/tips';
import type { Unsure } from './counted-tips.js';
import { beginGoal, foldGoal, type GoalCount } from './goal-count.js';
import { beginTicker, foldTicker, type TickerList } from './ticker-list.js';
import { beginTop, foldTop, type TopBoard } from './top-board.js';

/** What a widget shows. */
export type WidgetState = GoalCount | TickerList | TopBoard;

/** From the server's answer; `undefined` when it answers something else than is shown. */
export function begin(answer: WidgetAnswer, options: WidgetOptions): WidgetState | undefined {
  if (answer.widget !== options.widget) return undefined;
  switch (answer.widget) {
    case 'goal':
      return beginGoal(answer, options.goal);
    case 'ticker':
      return beginTicker(answer, tickerShowsMessages(options));
    case 'top':
      return beginTop(answer, options.top);
    case 'alerts':
      return undefined;
  }
}

/** Pure: state and event make the next state, whatever came before. */
export function fold(state: WidgetState, frame: TipFrame): WidgetState | Unsure {
  switch (state.kind) {
    case 'goal':
      return foldGoal(state, frame);
    case 'ticker':
      return foldTicker(state, frame);
    case 'top':
      return foldTop(state, frame);
  }
}
