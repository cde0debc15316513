import { patchedView, type Alert, type AmountView, type DigestAlert, type TipAlert } from '@droppio/client';
import type { AlertLook, OverlayConfig } from '@droppio/tips';
import type { Drawing } from './alert-player.js';
import { chainName } from './chain-names.js';
import { dress } from './dress.js';
import { Letters } from './letters.js';
import { amountText, say, shownMessage, usdText, type Said } from './words.js';

const TOTALS_MAX = 4;
/** From these lengths on words are set smaller, so that eighteen decimals stay inside the card, and a long message does not fill the screen. */
const LONG = { amount: [12, 22], message: [90, 180] } as const;
/** What stands at a template's end like this is the amount on a line of its own, in big letters. */
const BIG_END = /^(.*?)\s*\{amount\} \{symbol\}$/s;
/** A share of an alert's time that its words may take to be typed, and of one letter. */
const TYPING_SHARE = 0.35;
const TYPING_MAX_MS = 45;

export interface CardParts {
  readonly look: AlertLook;
  readonly config: Pick<OverlayConfig, 'moderation' | 'motion'>;
  /** The creator's own image, decoded; without one the built-in coin, or nothing. */
  readonly picture?: HTMLElement | undefined;
  /** The words have changed, so the card may need another size. */
  readonly changed?: (element: HTMLElement) => void;
}

/** One alert as elements. Everything that strangers wrote becomes text nodes, never markup. */
export class Card implements Drawing {
  readonly element = part('article', 'alert');
  private readonly headline = part('div', 'headline');
  private readonly amount = part('div', 'total');
  private readonly note = part('p', 'note');
  private readonly message = part('p', 'message');
  private readonly coin = part('div', 'coin');
  private letters: Letters;

  constructor(
    private alert: Alert,
    private readonly parts: CardParts,
  ) {
    const { look, config, picture } = parts;
    const effect = config.motion === 'full' ? look.textEffect : 'none';
    this.letters = new Letters(effect);
    this.element.setAttribute('role', 'status');
    Object.assign(this.element.dataset, { enter: look.enter, effect });
    dress(this.element, look);
    const words = part('div', 'words');
    words.append(this.headline, this.amount, this.note, this.message);
    const body = part('div', 'card');
    if (picture !== undefined) body.append(picture);
    else if (look.image?.asset === 'coin') body.append(this.coin);
    body.append(words);
    this.element.append(body);
    if (alert.kind === 'tip') this.fillTip(alert);
    else this.fillDigest(alert);
    if (alert.kind === 'tip' && alert.test) this.element.append(testMark());
    const stepMs = Math.min(TYPING_MAX_MS, (look.durationMs * TYPING_SHARE) / Math.max(1, this.letters.pieces));
    this.element.style.setProperty('--step', `${stepMs.toFixed(1)}ms`);
  }

  /** A change of a tip that is on the screen. It moves no more. */
  patch(alert: TipAlert): void {
    if (this.alert.kind !== 'tip' || this.alert.view.tipId !== alert.view.tipId) return;
    this.letters = new Letters('none');
    this.alert = { ...this.alert, view: patchedView(this.alert, alert) };
    this.fillTip(this.alert);
    this.parts.changed?.(this.element);
  }

  leave(): void {
    this.element.dataset['leaving'] = this.parts.look.exit;
  }

  remove(): void {
    this.element.remove();
  }

  private fillTip({ view }: TipAlert): void {
    const { look, config } = this.parts;
    this.element.dataset['tipId'] = view.tipId;
    const message = shownMessage(config, view);
    const isBig = BIG_END.test(look.template);
    this.sayAll(this.headline, say(look.template.replace(BIG_END, '$1'), view, message));
    this.setTotal(isBig ? [view.amount] : []);
    this.setCoin(view.amount.symbol);
    const worth = look.show.usd && !look.template.includes('{usd}') ? usdText(view.usd) : '';
    const chain = look.show.chain && !look.template.includes('{chain}') ? chainName(view.amount.chainId) : '';
    this.setNote([worth, chain]);
    this.setMessage(message === '' || !look.show.message ? [] : say(look.messageTemplate, view, message));
  }

  private fillDigest({ tips, totals, missed }: DigestAlert): void {
    this.element.dataset['tips'] = String(tips);
    const name = tips === 1 ? '1 tip' : `${String(tips)} tips`;
    this.sayAll(this.headline, [{ of: 'name', text: name }, { text: missed ? ' while you were away' : ' in one go' }]);
    this.setTotal(totals);
    this.setCoin(totals.length === 1 ? (totals[0]?.symbol ?? '') : '');
    this.setNote([]);
    this.setMessage([]);
  }

  private setTotal(amounts: readonly AmountView[]): void {
    const texts = amounts.slice(0, TOTALS_MAX).map(amountText);
    if (amounts.length > TOTALS_MAX) texts.push(`+${String(amounts.length - TOTALS_MAX)}`);
    const text = texts.join(' · ');
    this.amount.toggleAttribute('data-amount', text !== '');
    this.amount.dataset['length'] = lengthOf(text, LONG.amount);
    this.amount.hidden = text === '';
    if (texts.length <= 1) this.letters.write(this.amount, text);
    else this.amount.replaceChildren(...texts.flatMap((sum, at) => [...(at === 0 ? [] : [' · ']), this.sum(sum)]));
  }

  /** One of several: a line does not end between a number and its symbol. */
  private sum(text: string): HTMLElement {
    const element = part('span', 'sum');
    this.letters.write(element, text);
    return element;
  }

  private setCoin(symbol: string): void {
    this.coin.textContent = symbol.slice(0, 5);
    this.coin.dataset['letters'] = String(this.coin.textContent.length);
  }

  private setNote(facts: readonly string[]): void {
    this.note.textContent = facts.filter((fact) => fact !== '').join(' · ');
    this.note.hidden = this.note.textContent === '';
  }

  private setMessage(said: readonly Said[]): void {
    const [only] = said;
    const text = said.map((piece) => piece.text).join('');
    this.message.hidden = text === '';
    this.message.dataset['length'] = lengthOf(text, LONG.message);
    // By itself it finds its own writing direction.
    if (said.length <= 1) this.letters.write(this.message, only?.text ?? '');
    else this.sayAll(this.message, said);
  }

  private sayAll(line: HTMLElement, said: readonly Said[]): void {
    line.hidden = said.length === 0;
    line.replaceChildren(
      ...said.map(({ text, of }) => {
        const element = part(TAGS[of ?? ''] ?? 'span', NAMES[of ?? ''] ?? (of === undefined ? 'action' : 'fact'));
        this.letters.write(element, text);
        return element;
      }),
    );
  }
}

const TAGS: Readonly<Record<string, string>> = { name: 'strong' };
/** What tests and a creator's own CSS find pieces by. */
const NAMES: Readonly<Record<string, string>> = { name: 'name', amount: 'amount', symbol: 'symbol', usd: 'worth', message: 'said' };

function lengthOf(text: string, [long, veryLong]: readonly [number, number]): 'short' | 'long' | 'very-long' {
  return text.length >= veryLong ? 'very-long' : text.length >= long ? 'long' : 'short';
}

/** An element with a style of its own; where tests look, the same name is a data attribute too. */
function part(tag: string, name: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  element.setAttribute(`data-${name}`, '');
  // Each piece finds its own writing direction, and none can turn its neighbours around.
  if (tag === 'strong' || tag === 'span' || name === 'message') element.dir = 'auto';
  return element;
}

function testMark(): HTMLElement {
  const mark = part('span', 'test');
  mark.textContent = 'TEST';
  return mark;
}
