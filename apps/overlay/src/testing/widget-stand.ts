import type { TipView } from '@droppio/protocol';
import { DEFAULT_OVERLAY_CONFIG, widgetQuestion, type OverlayConfig } from '@droppio/tips';
import { aDisplay, randomHex } from '@droppio/tips/testing';
import type { Theatre } from './overlay-theatre.js';

export type WidgetChange = Partial<
  Pick<OverlayConfig, 'widget' | 'goal' | 'ticker' | 'top' | 'motion' | 'canvas' | 'defaults' | 'moderation'>
>;

/** The overlay's document, and an API that counts what the gateway has published and not taken back. */
export class WidgetStand {
  config: OverlayConfig = DEFAULT_OVERLAY_CONFIG;
  private readonly live = new Map<string, { readonly tip: TipView; readonly at: number }>();

  constructor(
    private readonly theatre: Theatre,
    change: WidgetChange,
  ) {
    this.wear(change);
    theatre.gateway.widget = (_after, { epoch, seq }) => {
      const place = { of: widgetQuestion(this.config) ?? '', epoch, seq, at: Date.now() };
      const live = [...this.live.values()].reverse();
      if (this.config.widget === 'alerts') return { widget: 'alerts' };
      if (this.config.widget === 'goal') {
        return { ...place, widget: 'goal', since: null, tips: live.length, amount: sum(live.map(({ tip }) => tip)) };
      }
      const tips = live.map(({ tip: { tipId, name, amount, message }, at }) => ({ tipId, at, name, amount, message }));
      if (this.config.widget === 'ticker') return { ...place, widget: 'ticker', isWhole: true, tips };
      const senders = [...new Set(live.map(({ tip }) => tip.from))].map((from) => {
        const theirs = live.map(({ tip }) => tip).filter((tip) => tip.from === from);
        return { from, name: theirs[0]?.name ?? '', tips: theirs.length, amount: sum(theirs) };
      });
      return { ...place, widget: 'top', since: null, until: null, isWhole: true, tippers: senders };
    };
  }

  /** As the creator saves it. */
  change(change: WidgetChange): void {
    this.wear(change);
    this.theatre.configure({ ...this.config, durationMs: 2000 });
  }

  tip(name: string, amount: bigint, more: Partial<TipView> = {}): TipView {
    const d = { ...aDisplay({ from: randomHex(20) }), ...more, name, amount: this.theatre.eth(amount.toString()) };
    this.live.set(d.tipId, { tip: d, at: Date.now() - 500 });
    return this.theatre.tip(d, name);
  }

  /** One that came before anybody was there: the API knows it. */
  before(name: string, amount: bigint, minutes: number, more: Partial<TipView> = {}): TipView {
    const d = { ...aDisplay({ from: randomHex(20) }), ...more, name, amount: this.theatre.eth(amount.toString()) };
    this.live.set(d.tipId, { tip: d, at: Date.now() - minutes * 60_000 });
    return d;
  }

  retract(tip: TipView): void {
    this.live.delete(tip.tipId);
    this.theatre.retract(tip);
  }

  private wear(change: WidgetChange): void {
    this.config = { ...this.config, ...change };
    this.theatre.gateway.config = { ...this.config };
  }
}

const sum = (tips: readonly TipView[]): string => tips.reduce((total, { amount }) => total + BigInt(amount.raw), 0n).toString();
