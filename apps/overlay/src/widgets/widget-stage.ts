import type { TextStorage } from '@droppio/client';
import { DEFAULT_OVERLAY_CONFIG, type Clock, type OverlayConfig } from '@droppio/tips';
import { outlineOf } from '../dress.js';
import { celebrate } from './celebration.js';
import { figuresOf, GoalBar } from './goal-bar.js';
import type { GoalCount } from './goal-count.js';
import { GoalMemory } from './goal-memory.js';
import { TickerView } from './ticker-view.js';
import { TopView } from './top-view.js';
import type { WidgetState } from './widget-state.js';

const TICK_MS = 1000;
/** As the stage of alerts: letters of this size at scale 1, and an em as long, at 1080 lines. */
const HEADLINE_PX = 36;
const EM_PX = 24;
const FALLBACKS = "Inter, 'Segoe UI', system-ui, sans-serif";

type View = GoalBar | TickerView | TopView;

/** Where the widget stands, dressed as the overlay's config says. Values go through the CSSOM, which a strict style policy allows. */
export class WidgetStage {
  private config: OverlayConfig = DEFAULT_OVERLAY_CONFIG;
  private state: WidgetState | undefined;
  private view: View | undefined;
  /** How much later it is here than at the server. */
  private aheadMs = 0;
  private readonly memory: GoalMemory;

  constructor(
    private readonly element: HTMLElement,
    private readonly clock: Clock,
    memory: { readonly storage: TextStorage | undefined; readonly key: string },
  ) {
    this.memory = new GoalMemory(memory.storage, memory.key);
    addEventListener('resize', () => {
      this.tick();
    });
    void this.run();
  }

  /** At once: a widget is always on the screen, so there is nothing to wait for. */
  wear(config: OverlayConfig): void {
    this.config = config;
    this.dress();
  }

  /** What the server's clock shows. The one here may be wrong by hours, and ages are told to viewers. */
  setTime(serverNow: number): void {
    this.aheadMs = this.clock.now() - serverNow;
  }

  draw(state: WidgetState | undefined): void {
    this.state = state;
    const view = this.viewFor(state);
    if (view !== this.view) this.element.replaceChildren(...(view === undefined ? [] : [view.element]));
    this.view = view;
    if (state?.kind === 'goal' && view instanceof GoalBar) this.drawGoal(view, state);
    if (state?.kind === 'ticker' && view instanceof TickerView) {
      view.draw(this.config, state);
    }
    if (state?.kind === 'top' && view instanceof TopView) view.draw(this.config.top, state);
    this.tick();
  }

  private viewFor(state: WidgetState | undefined): View | undefined {
    switch (state?.kind) {
      case 'goal':
        return this.view instanceof GoalBar ? this.view : new GoalBar();
      case 'ticker':
        return this.view instanceof TickerView ? this.view : new TickerView();
      case 'top':
        return this.view instanceof TopView ? this.view : new TopView();
      case undefined:
        return undefined;
    }
  }

  private drawGoal(view: GoalBar, state: GoalCount): void {
    const figures = figuresOf(state, this.config.goal);
    view.draw(this.config.goal, figures);
    const isNews = this.memory.isNews({ ...this.config, widget: 'goal' }, figures.isReached);
    if (isNews && this.config.motion === 'full') void celebrate(this.element, this.clock);
  }

  private async run(): Promise<void> {
    for (;;) {
      await this.clock.sleep(TICK_MS);
      this.tick();
    }
  }

  /** What goes by the wall clock. */
  private tick(): void {
    const { view } = this;
    if (view === undefined || view instanceof GoalBar || this.state === undefined) return;
    const now = this.clock.now();
    if (view instanceof TickerView) view.tick(now - this.aheadMs);
    const others = [...view.element.children].filter((child) => child !== view.rows.element);
    const { paddingTop, paddingBottom, rowGap } = getComputedStyle(view.element);
    const frame = [paddingTop, paddingBottom].reduce((sum, length) => sum + (parseFloat(length) || 0), 0);
    const taken = others.reduce((sum, child) => sum + heightOf(child) + (heightOf(child) > 0 ? parseFloat(rowGap) || 0 : 0), 0);
    view.rows.turn(now, this.element.clientHeight - frame - taken);
  }

  private dress(): void {
    const { canvas, motion, defaults } = this.config;
    const { font, card } = defaults;
    const { dataset, style } = this.element;
    dataset['anchor'] = canvas.anchor;
    dataset['motion'] = motion;
    const values = {
      '--scale': String((canvas.scale * font.sizePx) / HEADLINE_PX),
      '--margin': `${String(canvas.marginPct)}vmin`,
      '--max-width': `${String(canvas.maxWidthPct)}vw`,
      '--ink': font.color,
      '--accent': font.accent,
      '--card': card.background,
      '--radius': `${String(card.radiusPx / EM_PX)}em`,
      '--border':
        card.border === null
          ? '0.08em solid rgb(148 163 184 / 28%)'
          : `${String(card.border.widthPx / EM_PX)}em solid ${card.border.color}`,
      '--outline': outlineOf(font, `1em / ${String(EM_PX)}`),
      'font-family': `'${font.family}', ${FALLBACKS}`,
      'font-weight': String(font.weight),
    };
    for (const [name, value] of Object.entries(values)) style.setProperty(name, value);
  }
}

function heightOf(child: Element): number {
  return child instanceof HTMLElement ? child.offsetHeight : 0;
}
