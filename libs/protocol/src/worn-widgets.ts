import { DEFAULT_OVERLAY_CONFIG, toHex, TOP_PERIODS } from '@droppio/tips';
import * as z from 'zod/mini';
import { fitting, whole } from './worn-look.js';

const D = DEFAULT_OVERLAY_CONFIG;

export const raw = z.string().check(z.regex(/^\d{1,78}$/));
export const usd = z.string().check(z.regex(/^\d{1,12}(?:\.\d{1,8})?$/));
export const chainId = z.number().check(z.int(), z.positive());
export const token = z.pipe(
  z.string().check(z.regex(/^0x[0-9a-fA-F]{40}$/)),
  z.transform((text: string) => toHex(text)),
);

const isAboveZero = z.refine<string>((amount) => /[1-9]/.test(amount));
const count = whole(1, 20);
const title = z.string().check(z.maxLength(1000));
const inUsd = { unit: z.literal('usd') };
const inToken = {
  unit: z.literal('token'),
  chainId,
  token,
  symbol: z.string().check(z.regex(/^[A-Za-z0-9.$₮_-]{1,11}$/)),
  decimals: whole(0, 36),
};
const isTime = z.refine<string>((text) => !Number.isNaN(Date.parse(text)));
const goal = { title: z.catch(title, D.goal.title), since: z.catch(z.nullable(z.string().check(z.maxLength(40), isTime)), D.goal.since) };
const top = { title: z.catch(title, D.top.title), count: z.catch(count, D.top.count), period: z.catch(z.enum(TOP_PERIODS), D.top.period) };

/** Options of the widgets. What they count in must fit as a whole: half a token is none. */
export const wornWidgets = {
  goal: z.discriminatedUnion('unit', [
    z.object({ ...inUsd, ...goal, target: z.catch(usd.check(isAboveZero), D.goal.target), start: z.catch(usd, D.goal.start) }),
    z.object({ ...inToken, ...goal, target: raw.check(isAboveZero), start: z.catch(raw, '0') }),
  ]),
  ticker: fitting({ title, count, showAmounts: z.boolean(), showMessages: z.boolean() }),
  top: z.discriminatedUnion('unit', [z.object({ ...inUsd, ...top }), z.object({ ...inToken, ...top })]),
};
