import type { TipAlert } from '@droppio/client';
import { fillTemplate, formatAmount, formatUnits, shortAddress } from '@droppio/tips';
import { isNumber } from './tier.js';

/** Fills a template once: what a stranger wrote is never looked at for variables. */
export function fill(template: string, { view }: TipAlert): string {
  const { amount, name, message, from, txHash } = view;
  return fillTemplate(template, {
    name,
    message,
    amount: isNumber(amount.raw) ? formatUnits(BigInt(amount.raw), amount.decimals) : '',
    symbol: amount.symbol,
    chain: String(amount.chainId),
    count: '1',
    address_short: shortAddress(from),
    tx_short: shortAddress(txHash),
  });
}

export function amountText(amount: Parameters<typeof formatAmount>[0]): string {
  return isNumber(amount.raw) ? formatAmount(amount) : amount.symbol;
}
