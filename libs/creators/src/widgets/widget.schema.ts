import type { BoardReading, FeedPosition, GoalReading, TickerReading, WidgetReading } from '@droppio/tips';
import { shortAddress } from '@droppio/tips';
import * as z from 'zod';
import { placeField } from '../events/events.schema.js';
import { addressShape } from '../edge/fields.js';

export const WidgetQuery = z.strictObject({
  after: placeField.optional().meta({
    description: 'The place that the page has heard events up to: the answer is exact there or later.',
  }),
});
export type WidgetQuery = z.output<typeof WidgetQuery>;

const milliseconds = z.int().meta({ description: 'Unix milliseconds.' });
const amountText = z.string().meta({ description: 'Smallest units of the token, or US dollars; decimal string.' });
const place = {
  of: z.string().meta({ description: 'What was asked, by the config as it was then: a page whose config says otherwise asks again.' }),
  epoch: z.string(),
  seq: z.int().meta({ description: 'Exact here: events up to it are counted, later ones are not.' }),
  at: milliseconds.meta({ description: 'The clock of the answer, Unix milliseconds.' }),
};
const isWhole = z.boolean().meta({ description: 'There are no others.' });

const GoalView = z.object({
  ...place,
  widget: z.literal('goal'),
  tips: z.int(),
  amount: amountText.meta({ description: 'Without what was there at the start. Dollars: of tips whose worth is known.' }),
  since: milliseconds.nullable().meta({ description: 'Tips of blocks from here on; null: all.' }),
});
const TickerView = z.object({
  ...place,
  widget: z.literal('ticker'),
  isWhole,
  tips: z
    .array(
      z.object({
        tipId: z.string(),
        at: milliseconds.meta({ description: 'The block’s clock, Unix milliseconds.' }),
        name: z.string(),
        amount: z.object({ raw: z.string(), decimals: z.int(), symbol: z.string(), chainId: z.int(), token: addressShape }),
        message: z.string(),
      }),
    )
    .meta({ description: 'Newest first.' }),
});
const TopView = z.object({
  ...place,
  widget: z.literal('top'),
  isWhole,
  since: milliseconds.nullable(),
  until: milliseconds.nullable().meta({ description: 'When the period ends; null: never.' }),
  tippers: z
    .array(z.object({ from: addressShape, name: z.string(), tips: z.int(), amount: amountText }))
    .meta({ description: 'Most first, hidden senders left out.' }),
});
const AlertsView = z.object({ widget: z.literal('alerts') }).meta({ description: 'This overlay shows alerts: there is nothing to count.' });

export const WidgetView = z
  .discriminatedUnion('widget', [GoalView, TickerView, TopView, AlertsView])
  .meta({ id: 'OverlayWidget', description: 'What the widget of an overlay shows, at one place of the stream.' });
export type WidgetView = z.output<typeof WidgetView>;

export function goalView(of: string, reading: GoalReading, sinceMs: number): WidgetView {
  const { tips, amount } = reading;
  return { widget: 'goal', ...placeView(of, reading), tips, amount, since: sinceMs === 0 ? null : sinceMs };
}

export function tickerView(of: string, reading: TickerReading, showMessages: boolean): WidgetView {
  const tips = reading.tips.map(({ atMs, message, ...tip }) => ({ ...tip, at: atMs, message: showMessages ? message : '' }));
  return { widget: 'ticker', ...placeView(of, reading), isWhole: reading.isWhole, tips };
}

export function topView(of: string, reading: BoardReading): WidgetView {
  const { isWhole: whole, sinceMs = null, untilMs = null } = reading;
  const tippers = reading.tippers.map((tipper) => ({ ...tipper, name: shortAddress(tipper.from) }));
  return { widget: 'top', ...placeView(of, reading), isWhole: whole, since: sinceMs, until: untilMs, tippers };
}

/** Is the answer not from before that place? Of another numbering nothing can be said: what is newer holds. */
export function reaches(view: WidgetView, place: FeedPosition | undefined): boolean {
  return place === undefined || view.widget === 'alerts' || (view.epoch === place.epoch && view.seq >= place.seq);
}

function placeView(of: string, { position, atMs }: WidgetReading): { of: string; epoch: string; seq: number; at: number } {
  return { of, epoch: position.epoch, seq: position.seq, at: atMs };
}
