import type { EventFrame, TipFrame, WidgetAnswer } from '@droppio/protocol';
import { backoffMs, widgetQuestion, type Backoff, type Clock, type FeedPosition, type WidgetOptions } from '@droppio/tips';
import { UNSURE } from './counted-tips.js';
import type { WidgetSource } from './widget-source.js';
import { begin, fold, type WidgetState } from './widget-state.js';

export interface KeeperParts {
  readonly source: Pick<WidgetSource, 'read'>;
  readonly clock: Clock;
  readonly random: () => number;
  /** `undefined`: nothing is known yet. */
  readonly draw: (state: WidgetState | undefined) => void;
}

const BACKOFF: Backoff = { baseMs: 1000, capMs: 60_000 };
/** Pages that lost the same gateway, or heard of the same reorg, come apart by this. */
const SPREAD_MS = 2000;
const SOON_MS = 300;
/** A price is looked up after its tip. */
const PRICE_MS: readonly number[] = [2000, 10_000, 60_000];
/** Heals what no event tells of: a rule about senders, a block's clock that a reorg moved over a border. */
const AGAIN_MS = 300_000;

/**
 * Keeps the state of the widget: begins with the server's answer, exact at a place of the stream, and goes on by the events behind it. Where
 * something of the stream is missing, or an event cannot be counted from what is known, it asks again and stands still meanwhile.
 */
export class WidgetKeeper {
  private options: WidgetOptions | undefined;
  private question: string | undefined;
  private place: FeedPosition | undefined;
  private state: WidgetState | undefined;
  /** What came since the question that is under way: the answer may be older. `undefined`: no question is. */
  private heard: TipFrame[] | undefined;
  private isSure = false;
  private attempt = 0;
  private wait: AbortController | undefined;
  private pricesDue: number[] = [];

  constructor(private readonly parts: KeeperParts) {}

  configure(options: WidgetOptions): void {
    const question = widgetQuestion(options);
    this.options = options;
    if (question !== this.question) {
      this.question = question;
      this.state = undefined;
      this.heard = undefined;
      this.pricesDue = [];
      this.doubt(0);
    }
    this.parts.draw(this.state);
  }

  /** Events follow behind `position`, up to `head` such as were missed: those are summed up and thinned out, so they are no base to count on. */
  ready(head: number, position: FeedPosition): void {
    const before = this.place;
    this.place = { epoch: position.epoch, seq: Math.max(head, position.seq) };
    const hasMissed = before?.epoch !== position.epoch || this.place.seq > before.seq;
    if (hasMissed || !this.isSure) this.doubt(this.state === undefined ? SOON_MS : SPREAD_MS);
  }

  /** Something was lost. */
  gap(position: FeedPosition): void {
    this.place = position;
    this.doubt(SPREAD_MS);
  }

  hear(frame: EventFrame, position: FeedPosition): void {
    const isReplay = position.epoch === this.place?.epoch && position.seq <= this.place.seq;
    if (isReplay) return;
    this.place = position;
    if (frame.type === 'summary') this.doubt(SPREAD_MS);
    if (frame.type !== 'tip' && frame.type !== 'tip.updated' && frame.type !== 'tip.retracted') return;
    this.heard?.push(frame);
    if (this.isSure && this.state !== undefined) this.go(this.state, [frame]);
  }

  private go(from: WidgetState, frames: readonly TipFrame[]): void {
    let state = from;
    for (const frame of frames) {
      const next = fold(state, frame);
      if (next === UNSURE) {
        this.state = state;
        this.parts.draw(state);
        if (state.kind !== 'ticker' && state.counted.unit === 'usd') this.pricesDue = [...PRICE_MS];
        this.doubt(SOON_MS);
        return;
      }
      state = next;
    }
    this.state = state;
    this.parts.draw(state);
  }

  /** What is shown may be wrong from here on: asks, at once or within so many milliseconds. */
  private doubt(withinMs: number): void {
    this.isSure = false;
    this.askIn(withinMs * this.parts.random());
  }

  private askIn(ms: number): void {
    this.wait?.abort();
    this.wait = undefined;
    if (this.question === undefined || this.place === undefined) return;
    const mine = (this.wait = new AbortController());
    void this.parts.clock.sleep(ms, mine.signal).then(() => (this.wait === mine ? this.ask(mine) : undefined));
  }

  /** One at a time: whoever asks for another one before the answer is here makes that answer nobody's. */
  private async ask(mine: AbortController): Promise<void> {
    const { place, question, options } = this;
    if (place === undefined || question === undefined || options === undefined) return;
    const heard: TipFrame[] = (this.heard = []);
    const asked = await this.parts.source.read(place);
    if (this.wait !== mine || this.heard !== heard) return;
    this.heard = undefined;
    const begun = 'answer' in asked && this.isOurs(asked.answer, place) ? begin(asked.answer, options) : undefined;
    if (begun === undefined) {
      const retryMs = 'retryMs' in asked ? asked.retryMs : undefined;
      this.askIn((retryMs ?? 0) + backoffMs(this.attempt, BACKOFF, this.parts.random));
      this.attempt += 1;
      return;
    }
    this.attempt = 0;
    this.isSure = true;
    this.go(begun, heard);
    if (this.wait === mine) this.askIn(this.nextMs(begun));
  }

  /** To this question, of this numbering, and not from before it was asked. */
  private isOurs(answer: WidgetAnswer, asked: FeedPosition): boolean {
    if (answer.widget === 'alerts') return false;
    return answer.of === this.question && answer.epoch === this.place?.epoch && answer.seq >= asked.seq;
  }

  /** Prices that are on their way, the end of a period by the server's clock, or now and then. */
  private nextMs(state: WidgetState): number {
    const price = this.pricesDue.shift() ?? AGAIN_MS;
    const end = state.kind === 'top' ? state.leftMs : AGAIN_MS;
    return Math.min(price, end, AGAIN_MS * (0.8 + 0.2 * this.parts.random())) + SPREAD_MS * this.parts.random();
  }
}
