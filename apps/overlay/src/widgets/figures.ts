import { formatUnits, type CountedUnit } from '@droppio/tips';

const USD_DECIMALS = 8;

/** `1234.5` → `1,234.5`; rounded down, so that nothing is said to be there that is not. Exact until then: no float is ever involved. */
export function unitsText(raw: bigint, decimals: number): string {
  const [whole = '0', fraction = ''] = formatUnits(raw, decimals).split('.');
  // Of small amounts more places say something.
  const places = whole === '0' ? Math.max(6, leadingZeros(fraction) + 2) : whole.length < 4 ? 4 : 2;
  const kept = fraction.slice(0, places).replace(/0+$/, '');
  return grouped(whole) + (kept === '' ? '' : `.${kept}`);
}

/** `$1,234.50`, of smallest units that are a dollar's eighth decimal. */
export function dollarsText(raw: bigint): string {
  const [whole = '0', fraction = ''] = formatUnits(raw, USD_DECIMALS).split('.');
  const cents = fraction.slice(0, 2).padEnd(2, '0');
  return `$${grouped(whole)}${cents === '00' ? '' : `.${cents}`}`;
}

/** In what a widget counts. */
export function countedText(raw: bigint, counted: CountedUnit): string {
  return counted.unit === 'usd' ? dollarsText(raw) : `${unitsText(raw, counted.decimals)} ${counted.symbol}`;
}

/** How many percent of the target, rounded down: 100 is reached, and nothing below it is. */
export function percentOf(amount: bigint, target: bigint): number {
  return target <= 0n ? 100 : Number((amount * 100n) / target);
}

/** For the width of a bar; finer than a percent. */
export function shareOf(amount: bigint, whole: bigint): number {
  if (whole <= 0n || amount >= whole) return 1;
  return Number((amount * 10_000n) / whole) / 10_000;
}

/** `now`, `5 min`, `2 h`, `3 d`. */
export function ageText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'now';
  if (minutes < 60) return `${String(minutes)} min`;
  return minutes < 48 * 60 ? `${String(Math.floor(minutes / 60))} h` : `${String(Math.floor(minutes / 1440))} d`;
}

function grouped(whole: string): string {
  return whole.replace(/\B(?=(?:\d{3})+$)/g, ',');
}

function leadingZeros(fraction: string): number {
  return /^0*/.exec(fraction)?.[0].length ?? 0;
}
