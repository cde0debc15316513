import { DEFAULT_OVERLAY_CONFIG, type AlertLook } from '@droppio/tips';
import type { Alert, AmountView, DigestAlert, TipAlert } from '@droppio/client';
import type { Drawing } from './alert-player.js';
import { amountText, fill } from './look.js';

const TOTALS_MAX = 4;
/** From these lengths on an amount is set smaller, so that eighteen decimals stay inside the card. */
const LONG = 12;
const VERY_LONG = 22;

/** One alert as elements. Everything that strangers wrote becomes text nodes, never markup. */
export class Card implements Drawing {
  readonly element: HTMLElement;
  private readonly name = part('strong', 'name');
  private readonly action = part('span', 'action');
  private readonly amount = part('div', 'amount');
  private readonly message = part('p', 'message');
  private readonly coin = part('div', 'coin');

  constructor(
    alert: Alert,
    private readonly look: AlertLook,
    private readonly showMessage: boolean,
  ) {
    this.element = part('article', 'alert');
    this.element.setAttribute('role', 'status');
    this.element.dataset['enter'] = look.enter;
    this.element.style.setProperty('--accent', look.font.accent);
    const words = part('div', 'words');
    const headline = part('div', 'headline');
    headline.append(this.name, this.action);
    words.append(headline, this.amount, this.message);
    const body = part('div', 'card');
    body.append(this.coin, words);
    this.element.append(body);
    if (alert.kind === 'tip') this.fillTip(alert);
    else this.fillDigest(alert);
    if (alert.kind === 'tip' && alert.test) body.append(testMark());
  }

  /** A change of a tip that is on the screen. */
  patch(alert: TipAlert): void {
    if (this.element.dataset['tipId'] === alert.view.tipId) this.fillTip(alert);
  }

  leave(): void {
    this.element.dataset['leaving'] = this.look.exit;
  }

  remove(): void {
    this.element.remove();
  }

  private fillTip(alert: TipAlert): void {
    const { view } = alert;
    this.element.dataset['tipId'] = view.tipId;
    this.name.textContent = view.name;
    const { template } = this.look;
    // What every overlay begins with has a layout of its own, where the name stands apart from what is said of it.
    this.name.hidden = template !== DEFAULT_OVERLAY_CONFIG.defaults.template;
    this.action.textContent = this.name.hidden ? fill(template, alert) : 'tipped';
    this.setAmount([view.amount]);
    this.setMessage(view.message);
  }

  private fillDigest({ tips, totals, missed }: DigestAlert): void {
    this.element.dataset['tips'] = String(tips);
    this.name.textContent = tips === 1 ? '1 tip' : `${String(tips)} tips`;
    this.action.textContent = missed ? 'while you were away' : 'in one go';
    this.setAmount(totals);
    this.setMessage('');
  }

  private setAmount(amounts: readonly AmountView[]): void {
    const texts = amounts.slice(0, TOTALS_MAX).map(amountText);
    if (amounts.length > TOTALS_MAX) texts.push(`+${String(amounts.length - TOTALS_MAX)}`);
    const text = texts.join(' · ');
    this.amount.textContent = text;
    this.amount.dataset['length'] = text.length >= VERY_LONG ? 'very-long' : text.length >= LONG ? 'long' : 'short';
    this.coin.textContent = amounts.length === 1 ? (amounts[0]?.symbol.slice(0, 5) ?? '') : '';
    this.coin.dataset['letters'] = String(this.coin.textContent.length);
  }

  private setMessage(message: string): void {
    this.message.textContent = message;
    this.message.hidden = message === '' || !this.showMessage;
  }
}

/** An element with a style of its own; where tests look, the same name is a data attribute too. */
function part(tag: string, name: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  element.setAttribute(`data-${name}`, '');
  // Each piece finds its own writing direction, and none can turn its neighbours around.
  if (name === 'name' || name === 'action' || name === 'message') element.dir = 'auto';
  return element;
}

function testMark(): HTMLElement {
  const mark = part('span', 'test');
  mark.textContent = 'TEST';
  return mark;
}
