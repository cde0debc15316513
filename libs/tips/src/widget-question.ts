import type { OverlayConfig } from './overlay-config.js';

/** What of a config decides which figures a widget needs. */
export type WidgetOptions = Pick<OverlayConfig, 'widget' | 'goal' | 'ticker' | 'top' | 'moderation'>;

/**
 * What an overlay's widget asks the server, as text: two configs with the same text are answered alike, whatever else differs (titles, targets,
 * how many rows are drawn). `undefined`: it shows alerts and asks nothing.
 */
export function widgetQuestion(options: WidgetOptions): string | undefined {
  const { widget, goal, top } = options;
  switch (widget) {
    case 'alerts':
      return undefined;
    case 'goal':
      return ['goal', unitText(goal), goal.since ?? 'always'].join(' ');
    case 'ticker':
      return ['ticker', tickerShowsMessages(options) ? 'messages' : 'amounts'].join(' ');
    case 'top':
      return ['top', unitText(top), top.period].join(' ');
  }
}

/** A ticker shows messages where the overlay shows any. */
export function tickerShowsMessages({ ticker, moderation }: Pick<WidgetOptions, 'ticker' | 'moderation'>): boolean {
  return ticker.showMessages && moderation.showMessages && moderation.maxMessageChars > 0;
}

function unitText(counted: OverlayConfig['goal'] | OverlayConfig['top']): string {
  return counted.unit === 'usd' ? 'usd' : `${String(counted.chainId)}:${counted.token}`;
}
