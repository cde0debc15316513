import type { FeedPosition } from '@droppio/tips';
import * as z from 'zod';

export const MOST_WAIT_MS = 25_000;

/** `epoch.seq`: the place of the last event that was dealt with. */
export const placeField = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}\.\d{1,15}$/, 'must be the `next` of an answer before')
  .transform((text): FeedPosition => {
    const dot = text.lastIndexOf('.');
    return { epoch: text.slice(0, dot), seq: Number(text.slice(dot + 1)) };
  });

export const EventsQuery = z.strictObject({
  after: placeField
    .optional()
    .meta({ description: 'The `next` of the answer before. Without it the answer says, at once, where to begin and what to look like.' }),
  wait: z.coerce
    .number<string>()
    .int()
    .min(0)
    .max(MOST_WAIT_MS)
    .default(MOST_WAIT_MS)
    .meta({ description: 'Milliseconds to wait for an event when there is none.' }),
});
export type EventsQuery = z.output<typeof EventsQuery>;

export const EventsView = z
  .object({
    data: z
      .array(z.looseObject({ op: z.enum(['event', 'gap']) }))
      .meta({ description: 'The frames that a WebSocket of this overlay is sent, in the same order; `gap` names events that are lost.' }),
    config: z.looseObject({ schemaVersion: z.number() }).optional().meta({
      description:
        'Where there is nothing to go on from (no `after`, or one that is lost): the overlay’s document and, as far as the creator has said it, `paused` and `muted`, as in `ready` on a WebSocket. What changes later is a `config` event.',
    }),
    next: z.string().meta({ description: 'For `after`. An event may come again when an answer was lost: its `seq` tells.' }),
    recovered: z
      .boolean()
      .meta({ description: 'False when something before `data` is lost: a `gap`, or all after another epoch (a restored backup).' }),
  })
  .meta({ id: 'OverlayEvents' });
export type EventsView = z.output<typeof EventsView>;

export const placeText = ({ epoch, seq }: FeedPosition): string => `${epoch}.${String(seq)}`;
