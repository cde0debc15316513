import type { TipAlert } from '@droppio/client';
import {
  cutGraphemes,
  formatAmount,
  formatUnits,
  parseTemplate,
  parseUnits,
  shortAddress,
  stripLinks,
  type OverlayConfig,
  type TemplateVariable,
} from '@droppio/tips';
import { chainName } from './chain-names.js';
import { isNumber, isToken, USD_DIGITS } from './tier.js';

type View = TipAlert['view'];

/** A piece of a filled template; without `of` it is the creator's own words. */
export interface Said {
  readonly text: string;
  readonly of?: TemplateVariable;
}

/** Fills a template once: what a stranger wrote is never looked at for variables. */
export function say(template: string, view: View, message: string): readonly Said[] {
  const parsed = parseTemplate(template);
  if ('fault' in parsed) return [{ text: template }];
  const values = valuesOf(view, message);
  const said = parsed.parts.map((part) => ('text' in part ? part : { of: part.variable, text: values[part.variable] }));
  return said.filter(({ text }) => text !== '');
}

function valuesOf({ amount, name, from, txHash, usd }: View, message: string): Readonly<Record<TemplateVariable, string>> {
  return {
    name,
    message,
    amount: isNumber(amount.raw) ? formatUnits(BigInt(amount.raw), amount.decimals) : '',
    symbol: amount.symbol,
    usd: usdText(usd),
    chain: chainName(amount.chainId),
    // Cards for several tips have words of their own.
    count: '1',
    address_short: shortAddress(from),
    tx_short: shortAddress(txHash),
  };
}

export function amountText(amount: View['amount']): string {
  return isNumber(amount.raw) ? formatAmount(amount) : amount.symbol;
}

const CENT = 10n ** BigInt(USD_DIGITS - 2);

/** `1234.5` → `$1,234.50`, rounded half up; empty when it is not known. */
export function usdText(usd: string | undefined): string {
  const units = usd === undefined ? undefined : parseUnits(usd, USD_DIGITS);
  if (units === undefined) return '';
  const cents = (units * 2n + CENT) / (CENT * 2n);
  if (cents === 0n) return units === 0n ? '$0.00' : '<$0.01';
  const digits = cents.toString().padStart(3, '0');
  return `$${digits.slice(0, -2).replace(/\B(?=(?:\d{3})+$)/g, ',')}.${digits.slice(-2)}`;
}

/** As much of a message as this overlay lets through: on top of what the server has already screened. */
export function shownMessage(
  { moderation }: Pick<OverlayConfig, 'moderation'>,
  { amount, message }: { readonly amount: Pick<View['amount'], 'raw' | 'chainId' | 'token'>; readonly message: string },
): string {
  const { showMessages, maxMessageChars, minToShowMessage } = moderation;
  const isPaidFor = minToShowMessage.some(
    (least) => isToken(least, amount) && isNumber(amount.raw) && BigInt(amount.raw) >= BigInt(least.raw),
  );
  if (!showMessages || (minToShowMessage.length > 0 && !isPaidFor)) return '';
  const strip = (text: string): string => (moderation.stripLinks ? stripLinks(text) : text);
  const whole = strip(message);
  const cut = cutGraphemes(whole, maxMessageChars);
  // A cut may make an address of what was none.
  return cut === whole ? whole : withEllipsis(strip(cut.trimEnd()));
}

const withEllipsis = (text: string): string => (text === '' ? '' : `${text}…`);
