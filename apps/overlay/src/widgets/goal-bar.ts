import { parseUnits, type GoalOptions } from '@droppio/tips';
import { countedText, percentOf, shareOf } from './figures.js';
import type { GoalCount } from './goal-count.js';
import { part, say, words } from './parts.js';

const USD_DECIMALS = 8;

export interface GoalFigures {
  readonly amount: bigint;
  readonly target: bigint;
  readonly isReached: boolean;
}

/** What is there, what was there at the start included. */
export function figuresOf({ amount }: GoalCount, options: GoalOptions): GoalFigures {
  const decimals = options.unit === 'usd' ? USD_DECIMALS : 0;
  const all = amount + (parseUnits(options.start, decimals) ?? 0n);
  const target = parseUnits(options.target, decimals) ?? 1n;
  return { amount: all, target, isReached: all >= target };
}

/** A bar that fills. Drawn from text nodes and lengths alone. */
export class GoalBar {
  readonly element: HTMLElement;
  private readonly title = words('strong', 'goal-title');
  private readonly percent = part('span', 'goal-percent');
  private readonly fill = part('div', 'goal-fill');
  private readonly track: HTMLElement;
  private readonly amount = part('span', 'goal-amount');
  private readonly target = part('span', 'goal-target');

  constructor() {
    this.track = part('div', 'goal-track', this.fill);
    this.track.setAttribute('role', 'progressbar');
    const head = part('div', 'goal-head', this.title, this.percent);
    this.element = part('section', 'goal', head, this.track, part('div', 'goal-foot', this.amount, this.target));
  }

  draw(options: GoalOptions, figures: GoalFigures): void {
    const { amount, target, isReached } = figures;
    say(this.title, options.title);
    say(this.percent, `${String(percentOf(amount, target))} %`);
    this.track.setAttribute('aria-valuenow', String(Math.min(100, percentOf(amount, target))));
    say(this.amount, countedText(amount, options));
    say(this.target, `of ${countedText(target, options)}`);
    this.fill.style.setProperty('--share', String(shareOf(amount, target)));
    if (isReached) this.element.dataset['reached'] = '';
    else delete this.element.dataset['reached'];
  }
}
