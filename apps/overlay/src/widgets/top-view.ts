import type { TopOptions } from '@droppio/tips';
import { countedText, shareOf } from './figures.js';
import { part, say, words } from './parts.js';
import { Rows } from './rows.js';
import { ranked, type Tipper, type TopBoard } from './top-board.js';

const PERIODS: Readonly<Record<TopOptions['period'], string>> = { day: 'today', week: 'this week', month: 'this month', all: '' };

/** Who tipped most. */
export class TopView {
  readonly element: HTMLElement;
  readonly rows = new Rows('top-rows');
  private readonly title = words('strong', 'list-title');
  private readonly period = part('span', 'list-period');
  private readonly none = part('p', 'list-none');

  constructor() {
    this.none.textContent = 'No tips yet';
    this.element = part('section', 'top', part('div', 'list-head', this.title, this.period), this.rows.element, this.none);
  }

  draw(options: TopOptions, board: TopBoard): void {
    say(this.title, options.title);
    say(this.period, options.title === '' ? '' : PERIODS[options.period]);
    const tippers = ranked(board).slice(0, options.count);
    this.none.hidden = tippers.length > 0;
    const most = tippers[0]?.amount ?? 0n;
    this.rows.fill(tippers.map((tipper, place) => rowOf(tipper, place + 1, most, options)));
  }
}

function rowOf(tipper: Tipper, place: number, most: bigint, options: TopOptions): HTMLElement {
  const row = part('li', 'top-row');
  row.dataset['from'] = tipper.from;
  row.dataset['place'] = String(place);
  const rank = part('span', 'row-rank');
  rank.textContent = String(place);
  const amount = part('span', 'row-amount');
  amount.textContent = countedText(tipper.amount, options);
  const bar = part('i', 'row-bar');
  bar.style.setProperty('--share', String(shareOf(tipper.amount, most)));
  row.append(rank, words('strong', 'row-name', tipper.name), amount, bar);
  return row;
}
