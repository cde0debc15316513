import * as z from 'zod/mini';
import { parseAs } from './client-frames.js';

/** At the API, beside the page: what a widget shows, exact at one place of the stream. */
export const WIDGET_PATH = '/v1/overlay/widget';

const whole = z.number().check(z.int(), z.nonnegative());
/** Smallest units, or dollars with at most eight digits after the point. */
const amount = z.string().check(z.regex(/^\d{1,78}(?:\.\d{1,8})?$/));
const place = { of: z.string(), epoch: z.string(), seq: whole, at: z.number() };
const moment = z.nullable(z.number());

export const GoalAnswer = z.object({ ...place, widget: z.literal('goal'), tips: whole, amount, since: moment });
export const TickerAnswer = z.object({
  ...place,
  widget: z.literal('ticker'),
  isWhole: z.boolean(),
  tips: z.array(
    z.object({
      tipId: z.string(),
      at: z.number(),
      name: z.string(),
      amount: z.object({
        raw: z.string(),
        decimals: z.number(),
        symbol: z.string(),
        // Not told by older servers.
        chainId: z._default(z.number(), 0),
        token: z._default(z.string(), ''),
      }),
      message: z.string(),
    }),
  ),
});
export const TopAnswer = z.object({
  ...place,
  widget: z.literal('top'),
  isWhole: z.boolean(),
  since: moment,
  until: moment,
  tippers: z.array(z.object({ from: z.string(), name: z.string(), tips: whole, amount })),
});
export const WidgetAnswer = z.discriminatedUnion('widget', [
  GoalAnswer,
  TickerAnswer,
  TopAnswer,
  z.object({ widget: z.literal('alerts') }),
]);
export type GoalAnswer = z.infer<typeof GoalAnswer>;
export type TickerAnswer = z.infer<typeof TickerAnswer>;
export type TopAnswer = z.infer<typeof TopAnswer>;
export type WidgetAnswer = z.infer<typeof WidgetAnswer>;

/** `undefined`: nothing that this version knows. Never throws. */
export function parseWidgetAnswer(text: string): WidgetAnswer | undefined {
  return parseAs(WidgetAnswer, text);
}
