import type { EventFrame, ReadyFrame } from '@droppio/protocol';
import type { Clock, FeedPosition, OverlayConfig } from '@droppio/tips';
import { WidgetKeeper } from './widget-keeper.js';
import type { WidgetSource } from './widget-source.js';
import type { WidgetStage } from './widget-stage.js';

/** The widget of this page, whichever its config names, on the same feed as the alerts. */
export class OverlayWidgets {
  private readonly keeper: WidgetKeeper;
  private shows = false;

  constructor(
    private readonly stage: WidgetStage,
    source: WidgetSource,
    clock: Clock,
  ) {
    this.keeper = new WidgetKeeper({
      source,
      clock,
      random: Math.random,
      draw: (state) => {
        stage.draw(state);
      },
    });
  }

  /** A widget stands on the screen: alerts do not. */
  get isShown(): boolean {
    return this.shows;
  }

  wear(config: OverlayConfig): void {
    this.shows = config.widget !== 'alerts';
    this.stage.wear(config);
    this.keeper.configure(config);
  }

  ready({ head, now }: Pick<ReadyFrame, 'head' | 'now'>, position: FeedPosition): void {
    if (now !== undefined) this.stage.setTime(now);
    this.keeper.ready(head, position);
  }

  gap(position: FeedPosition): void {
    this.keeper.gap(position);
  }

  hear(frame: EventFrame, position: FeedPosition): void {
    this.keeper.hear(frame, position);
  }
}
