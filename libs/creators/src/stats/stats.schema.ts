import { parseUnits, formatUnits, type DaySum, type TipSum, type TipSummary, type TokenSum, type TopTipper } from '@droppio/tips';
import * as z from 'zod';
import { addressShape } from '../edge/fields.js';
import { tokenField } from '../tips/token-field.js';

const MOST_DAYS = 400;
const DAY_MS = 86_400_000;
const FIRST_DAY = '2015-01-01';

const dayField = z.iso
  .date({ error: 'must be a day such as 2026-11-23' })
  .refine((day) => day >= FIRST_DAY && day < '9999', `must be from ${FIRST_DAY} on`);

/** Named zones only: an offset such as `+02:00` means the opposite to Postgres. */
const zoneField = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][A-Za-z0-9_+/-]*$/, 'must be an IANA time zone')
  .refine(isZone, 'is no time zone that we know')
  .default('UTC')
  .meta({ description: 'IANA time zone whose days are meant, such as Europe/Berlin.' });

export const SeriesQuery = z
  .strictObject({
    from: dayField.meta({ description: 'First day.' }),
    to: dayField.meta({ description: `Last day, included; at most ${String(MOST_DAYS)} days.` }),
    tz: zoneField,
    token: tokenField.optional(),
  })
  .superRefine(({ from, to }, context) => {
    const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
    if (days < 1) context.addIssue({ code: 'custom', path: ['to'], message: 'must not be before `from`' });
    else if (days > MOST_DAYS) context.addIssue({ code: 'custom', path: ['to'], message: `must be within ${String(MOST_DAYS)} days` });
  });
export type SeriesQuery = z.output<typeof SeriesQuery>;

export const TopQuery = z.strictObject({
  token: tokenField
    .optional()
    .meta({ description: 'Rank by what was tipped in this token. Without it: by US dollars, where prices are known.' }),
  limit: z.coerce.number<string>().int().min(1).max(100).default(10).meta({ description: 'How many at most.' }),
});
export type TopQuery = z.output<typeof TopQuery>;

const sums = {
  tips: z.int(),
  priced: z.int().meta({ description: 'Tips among them whose worth is known.' }),
  usd: z.string().optional().meta({ description: 'What those were worth when they were paid, US dollars; absent when there are none.' }),
};
const tokenSums = {
  chainId: z.int(),
  token: addressShape,
  symbol: z.string(),
  decimals: z.int(),
  raw: z.string().meta({ description: 'Sum in smallest units.' }),
  ...sums,
};

export const SummaryView = z
  .object({
    ...sums,
    tippers: z.int().meta({ description: 'Addresses that tipped, each once.' }),
    tokens: z.array(z.object(tokenSums)),
  })
  .meta({ id: 'StatsSummary', description: 'Finalized tips in listed tokens.' });
export const SeriesView = z
  .object({
    timeZone: z.string(),
    data: z.array(z.object({ day: z.iso.date(), ...tokenSums })).meta({ description: 'Days without tips are left out.' }),
  })
  .meta({ id: 'StatsSeries', description: 'Finalized tips in listed tokens, by day and token.' });
export const TopView = z
  .object({
    data: z.array(
      z.object({ from: addressShape, raw: z.string().optional().meta({ description: 'Smallest units of the token asked for.' }), ...sums }),
    ),
  })
  .meta({ id: 'StatsTop', description: 'Who tipped most, of finalized tips in listed tokens.' });

export function summaryView({ tokens, tippers }: TipSummary): z.output<typeof SummaryView> {
  const usd = tokens.reduce((sum, token) => sum + (parseUnits(token.usd, USD_DIGITS) ?? 0n), 0n);
  const all = {
    tips: tokens.reduce((sum, { tips }) => sum + tips, 0),
    priced: tokens.reduce((sum, { priced }) => sum + priced, 0),
    usd: formatUsd(usd),
  };
  return { ...sumView(all), tippers, tokens: tokens.map(tokenView) };
}

export function seriesView(timeZone: string, days: readonly DaySum[]): z.output<typeof SeriesView> {
  return { timeZone, data: days.map((sum) => ({ day: sum.day, ...tokenView(sum) })) };
}

export function topView(tippers: readonly TopTipper[]): z.output<typeof TopView> {
  const data = tippers.map(({ sender, amount, ...sum }) => ({
    from: sender,
    ...(amount === undefined ? {} : { raw: amount.toString() }),
    ...sumView(sum),
  }));
  return { data };
}

function tokenView({ chainId, token, symbol, decimals, amount, ...sum }: TokenSum): z.output<typeof SummaryView>['tokens'][number] {
  return { chainId, token, symbol, decimals, raw: amount.toString(), ...sumView(sum) };
}

function sumView({ tips, priced, usd }: TipSum): { tips: number; priced: number; usd?: string } {
  return { tips, priced, ...(priced === 0 ? {} : { usd }) };
}

const USD_DIGITS = 8;

function formatUsd(units: bigint): string {
  const [whole = '0', fraction = ''] = formatUnits(units, USD_DIGITS).split('.');
  return `${whole}.${fraction.padEnd(USD_DIGITS, '0')}`;
}

/**
 * Only places, or rules such as `EST5EDT`: of short names some are known to JavaScript alone (`AET`), and others mean another clock to Postgres (`PST` without summer time,
 * `IST` in Israel).
 */
function isZone(name: string): boolean {
  if (name !== 'UTC' && !/[/\d]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
