import type { Alert, TipAlert } from '@droppio/client';
import { changedLook } from '@droppio/protocol';
import { parseUnits, type AlertLook, type OverlayConfig, type OverlayTier, type TierCondition } from '@droppio/tips';

/** Digits after the point that dollars come with. */
export const USD_DIGITS = 8;

type Comparison = Extract<TierCondition, { readonly op: unknown }>['op'];

/** What an alert looks like: as all others, or as the tier that the tip reaches changes it. */
export function lookOf(config: OverlayConfig, alert: Alert): AlertLook {
  const tier = alert.kind === 'tip' ? tierOf(config, alert) : config.tiers.find(({ id }) => id === alert.tier);
  return tier === undefined ? config.defaults : changedLook(config.defaults, tier.override);
}

/** Of the tiers whose conditions the tip meets the one with the highest priority; of equals the first. */
export function tierOf({ tiers }: OverlayConfig, alert: TipAlert): OverlayTier | undefined {
  const met = tiers.filter(({ when }) => when.all.every((condition) => meets(condition, alert)));
  return met.reduce<OverlayTier | undefined>(
    (best, tier) => (best === undefined || tier.priority > best.priority ? tier : best),
    undefined,
  );
}

function meets(condition: TierCondition, { view }: TipAlert): boolean {
  const { amount, message, usd } = view;
  switch (condition.field) {
    case 'amount':
      return isToken(condition, amount) && isNumber(amount.raw) && compare(BigInt(amount.raw), condition.op, BigInt(condition.raw));
    case 'usd':
      return isWorth(usd, condition);
    case 'hasMessage':
      return (message !== '') === condition.is;
    case 'chainId':
      return condition.in.includes(amount.chainId);
    case 'token':
      return condition.in.some((token) => isToken(token, amount));
  }
}

/** A tip whose worth is not known is not worth more, nor less, than anything. */
function isWorth(usd: string | undefined, { op, value }: Extract<TierCondition, { readonly field: 'usd' }>): boolean {
  const [left, right] = [usd, value].map((text) => (text === undefined ? undefined : parseUnits(text, USD_DIGITS)));
  return left !== undefined && right !== undefined && compare(left, op, right);
}

export function isToken(
  one: { readonly chainId: number; readonly token: string },
  other: { readonly chainId: number; readonly token: string },
): boolean {
  return one.chainId === other.chainId && one.token.toLowerCase() === other.token.toLowerCase();
}

export const isNumber = (raw: string): boolean => /^\d{1,78}$/.test(raw);

function compare(left: bigint, op: Comparison, right: bigint): boolean {
  switch (op) {
    case '>=':
      return left >= right;
    case '>':
      return left > right;
    case '<=':
      return left <= right;
    case '<':
      return left < right;
  }
}
