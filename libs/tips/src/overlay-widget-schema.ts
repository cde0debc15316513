import * as z from 'zod';
import { toHex, type Hex } from './hex.js';
import { DEFAULT_OVERLAY_CONFIG, TOP_PERIODS, type GoalOptions, type TickerOptions, type TopOptions } from './overlay-config.js';
import { line, whole } from './overlay-look-schema.js';

const D = DEFAULT_OVERLAY_CONFIG;
const TITLE_MAX = 60;
/** Rows that can be read on a screen. */
const ROWS_MAX = 20;

export const raw = z.string().regex(/^(0|[1-9][0-9]{0,77})$/, 'must be a decimal string of smallest units');
export const usd = z.string().regex(/^(0|[1-9][0-9]{0,11})(\.[0-9]{1,8})?$/, 'must be US dollars as a decimal string such as "50.00"');
export const chainId = whole(1, Number.MAX_SAFE_INTEGER);
export const token: z.ZodType<Hex, string> = z
  .templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]{40}$/)])
  .overwrite((text) => toHex(text))
  .meta({ description: 'Address of the token; 0x000… is the chain’s own coin.' });

const counted = {
  chainId,
  token,
  symbol: z.string().regex(/^[A-Za-z0-9.$₮_-]{1,11}$/, 'must be 1 to 11 letters or digits'),
  decimals: whole(0, 36),
};
const inUsd = { unit: z.literal('usd') };
const inToken = { unit: z.literal('token'), ...counted };

const isAboveZero = (amount: string): boolean => /[1-9]/.test(amount);
const FIRST_MS = Date.parse('2015-01-01T00:00:00Z');
const LAST_MS = Date.parse('9999-01-01T00:00:00Z');
/** The moment itself, however it was written. */
const since = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-11-23T18:00:00Z' })
  .max(40)
  .refine((text) => Date.parse(text) >= FIRST_MS && Date.parse(text) < LAST_MS, 'must be from 2015 on')
  // Run on what was refused, too.
  .overwrite((text) => (Number.isNaN(Date.parse(text)) ? text : new Date(text).toISOString()))
  .meta({ description: 'Tips of blocks before it do not count. null: all that were told count.' });
const goal = { title: line(TITLE_MAX).default(D.goal.title), since: since.nullable().default(null) };
const target = 'must be more than zero';

const GoalDocument = z
  .discriminatedUnion('unit', [
    z.strictObject({ ...inUsd, ...goal, target: usd.refine(isAboveZero, target).default(D.goal.target), start: usd.default(D.goal.start) }),
    z.strictObject({ ...inToken, ...goal, target: raw.refine(isAboveZero, target), start: raw.default('0') }),
  ])
  .meta({ description: 'The bar of the widget `goal`: `start` and all tips since `since`, of `target`.' }) satisfies z.ZodType<GoalOptions>;

const TickerDocument = z
  .strictObject({
    title: line(TITLE_MAX).default(D.ticker.title),
    count: whole(1, ROWS_MAX).default(D.ticker.count),
    showAmounts: z.boolean().default(D.ticker.showAmounts),
    showMessages: z.boolean().default(D.ticker.showMessages),
  })
  .meta({ description: 'The widget `ticker`: the latest tips, newest first.' }) satisfies z.ZodType<TickerOptions>;

const top = {
  title: line(TITLE_MAX).default(D.top.title),
  count: whole(1, ROWS_MAX).default(D.top.count),
  period: z.enum(TOP_PERIODS).default(D.top.period).meta({ description: 'Days begin at midnight UTC, weeks on Monday.' }),
};
const TopDocument = z
  .discriminatedUnion('unit', [z.strictObject({ ...inUsd, ...top }), z.strictObject({ ...inToken, ...top })])
  .meta({ description: 'The widget `top`: who tipped most. Senders that are hidden are not on it.' }) satisfies z.ZodType<TopOptions>;

/** Options of the widgets, as fields of the whole document. */
export const widgetFields = {
  goal: GoalDocument.prefault({ unit: 'usd' }),
  ticker: TickerDocument.prefault({}),
  top: TopDocument.prefault({ unit: 'usd' }),
};
