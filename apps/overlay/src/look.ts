import type { Alert, TipAlert } from '@droppio/client';
import type { Theme, Tier } from '@droppio/protocol';
import { fillTemplate, formatAmount, formatUnits, shortAddress } from '@droppio/tips';

export type Style = Pick<Theme, 'durationMs' | 'enter' | 'exit' | 'action' | 'template' | 'accent' | 'volume'>;

/** The theme's own style, or that of the last tier that the tip reaches. */
export function styleOf(theme: Theme, alert: Alert): Style {
  const tier = alert.kind === 'tip' ? tierOf(theme, alert) : undefined;
  const change = Object.entries(tier?.style ?? {}).filter(([, value]) => value !== undefined);
  return { ...theme, ...Object.fromEntries(change) };
}

/** Whether it goes before the others that wait. */
export function jumps(theme: Theme, alert: TipAlert): boolean {
  return tierOf(theme, alert)?.jump === true;
}

function tierOf({ tiers }: Theme, { view: { amount } }: TipAlert): Tier | undefined {
  return tiers.filter((tier) => tier.symbol === amount.symbol && reaches(amount, tier.min)).at(-1);
}

/** Exact, however many decimals: both sides are raised to the finer of the two. */
function reaches(amount: { readonly raw: string; readonly decimals: number }, min: string): boolean {
  if (!/^\d+$/.test(amount.raw)) return false;
  const [whole = '0', fraction = ''] = min.split('.');
  const digits = Math.max(amount.decimals, fraction.length);
  return BigInt(amount.raw) * 10n ** BigInt(digits - amount.decimals) >= BigInt(whole + fraction.padEnd(digits, '0'));
}

/** Fills a template once: what a stranger wrote is never looked at for variables. */
export function fill(template: string, { view }: TipAlert): string {
  const { amount, name, message, from, txHash } = view;
  const known = /^\d+$/.test(amount.raw);
  return fillTemplate(template, {
    name,
    message,
    amount: known ? formatUnits(BigInt(amount.raw), amount.decimals) : '',
    symbol: amount.symbol,
    chain: String(amount.chainId),
    count: '1',
    address_short: shortAddress(from),
    tx_short: shortAddress(txHash),
  });
}

export function amountText(amount: Parameters<typeof formatAmount>[0]): string {
  return /^\d+$/.test(amount.raw) ? formatAmount(amount) : amount.symbol;
}
