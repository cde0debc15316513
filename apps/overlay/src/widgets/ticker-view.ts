import type { OverlayConfig } from '@droppio/tips';
import { shownMessage } from '../words.js';
import { ageText, unitsText } from './figures.js';
import { part, say, words } from './parts.js';
import { Rows } from './rows.js';
import type { TickerList, TickerTip } from './ticker-list.js';

/** The latest tips, newest first. */
export class TickerView {
  readonly element: HTMLElement;
  readonly rows = new Rows('ticker-rows');
  private readonly title = words('strong', 'list-title');
  private readonly none = part('p', 'list-none');
  private ages: readonly { readonly element: HTMLElement; readonly at: number }[] = [];

  constructor() {
    this.none.textContent = 'No tips yet';
    this.element = part('section', 'ticker', this.title, this.rows.element, this.none);
  }

  draw(config: Pick<OverlayConfig, 'ticker' | 'moderation'>, list: TickerList): void {
    const options = config.ticker;
    say(this.title, options.title);
    this.title.hidden = options.title === '';
    const tips = list.tips.slice(0, options.count);
    this.none.hidden = tips.length > 0;
    const made = tips.map((tip) => rowOf(tip, config));
    this.ages = made.map(({ age }, place) => ({ element: age, at: tips[place]?.at ?? 0 }));
    this.rows.fill(made.map(({ row }) => row));
  }

  /** By the wall clock. */
  tick(nowMs: number): void {
    for (const { element, at } of this.ages) say(element, ageText(nowMs - at));
  }
}

function rowOf(tip: TickerTip, { ticker: { showAmounts, showMessages }, moderation }: Pick<OverlayConfig, 'ticker' | 'moderation'>) {
  const row = part('li', 'ticker-row');
  row.dataset['tipId'] = tip.tipId;
  const age = part('span', 'row-age');
  row.append(words('strong', 'row-name', tip.name));
  if (showAmounts) {
    const amount = part('span', 'row-amount');
    amount.textContent = amountText(tip);
    row.append(amount);
  }
  const message = words('span', 'row-message', showMessages ? shownMessage({ moderation }, tip) : '');
  row.append(message, age);
  return { row, age };
}

function amountText({ amount: { raw, decimals, symbol } }: TickerTip): string {
  const isKnown = /^\d{1,78}$/.test(raw) && Number.isInteger(decimals) && decimals >= 0 && decimals <= 77;
  return isKnown ? `${unitsText(BigInt(raw), decimals)} ${symbol}` : symbol;
}
