import { Injectable } from '@nestjs/common';
import {
  Clock,
  tickerShowsMessages,
  Unauthorized,
  WidgetBoard,
  widgetQuestion,
  type CountedIn,
  type FeedPosition,
  type GoalOptions,
  type Overlay,
  type TopOptions,
} from '@droppio/tips';
import { goalView, reaches, tickerView, topView, type WidgetView } from './widget.schema.js';

/** More than any page draws, so that pages can go on by themselves for long. */
const TICKER_TIPS = 50;
const BOARD_TIPPERS = 100;
/** Pages of one overlay that ask at once, and those that come back together after an outage, share one look. */
const FRESH_MS = 1000;
const KEPT_MAX = 2000;

interface Kept {
  readonly view: Promise<WidgetView>;
  readonly untilMs: number;
}

/** What widgets show, read once for all that ask the same within a second. An answer is used again only where it reaches far enough. */
@Injectable()
export class WidgetReadings {
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly board: WidgetBoard,
    private readonly clock: Clock,
  ) {}

  /** Throws `Unauthorized` when the creator is gone. */
  async of(overlay: Overlay, after: FeedPosition | undefined): Promise<WidgetView> {
    const question = widgetQuestion(overlay.config);
    if (question === undefined) return { widget: 'alerts' };
    const key = `${overlay.creatorId} ${question}`;
    for (;;) {
      const kept = this.kept.get(key);
      if (kept === undefined || this.clock.now() >= kept.untilMs) return this.read(key, question, overlay);
      const view = await kept.view;
      if (reaches(view, after)) return view;
      // Of all that found it too old the first one looks again, and the others wait for him.
      if (this.kept.get(key) === kept) return this.read(key, question, overlay);
    }
  }

  private async read(key: string, question: string, overlay: Overlay): Promise<WidgetView> {
    const view = this.look(question, overlay);
    const kept = { view, untilMs: this.clock.now() + FRESH_MS };
    this.kept.delete(key);
    this.kept.set(key, kept);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= KEPT_MAX) break;
      this.kept.delete(oldest);
    }
    try {
      return await view;
    } catch (error) {
      // The next one who asks tries for himself.
      if (this.kept.get(key) === kept) this.kept.delete(key);
      throw error;
    }
  }

  private async look(question: string, { creatorId, config }: Overlay): Promise<WidgetView> {
    const { widget, goal, top } = config;
    if (widget === 'goal') {
      const sinceMs = goal.since === null ? 0 : Date.parse(goal.since);
      return goalView(question, known(await this.board.goal(creatorId, countedIn(goal), sinceMs)), sinceMs);
    }
    if (widget === 'ticker')
      return tickerView(question, known(await this.board.ticker(creatorId, TICKER_TIPS)), tickerShowsMessages(config));
    return topView(question, known(await this.board.top(creatorId, countedIn(top), top.period, BOARD_TIPPERS)));
  }
}

function countedIn(options: GoalOptions | TopOptions): CountedIn {
  return options.unit === 'usd' ? 'usd' : { chainId: options.chainId, token: options.token };
}

function known<T>(reading: T | undefined): T {
  if (reading === undefined) throw new Unauthorized('The account of this overlay is gone.');
  return reading;
}
