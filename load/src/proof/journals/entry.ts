import * as z from 'zod';

const base = { at: z.number(), who: z.string() };
/** What a tip looked like where it arrived. */
export const TipFields = z.object({ from: z.string(), token: z.string(), amount: z.string(), message: z.string() });
export type TipFields = z.output<typeof TipFields>;

const event = {
  epoch: z.string(),
  seq: z.int(),
  from: z.int(),
  type: z.string(),
  id: z.string(),
  state: z.string(),
  tips: z.int(),
  tip: TipFields.optional(),
};

/** One line of a journal. `who` is an overlay: one page, or one client, over all its lives. */
export const Entry = z.discriminatedUnion('kind', [
  /** Admitted; events after `seq` follow. `first`: it had no cursor. */
  z.object({ ...base, kind: z.literal('ready'), epoch: z.string(), seq: z.int(), first: z.boolean() }),
  /** An event as the client takes it. */
  z.object({ ...base, ...event, kind: z.literal('event') }),
  /** The same as the socket brings it, perhaps once more. */
  z.object({ ...base, ...event, kind: z.literal('wire') }),
  /** On the screen. `resumed`: it was there before, in a former life of its page. `tip` where the client knows it, `text` where a page draws it. */
  z.object({
    ...base,
    kind: z.literal('shown'),
    id: z.string(),
    tip: TipFields.optional(),
    text: z.string().optional(),
    resumed: z.boolean().optional(),
  }),
  /** Several at once, in one card. `money`: what they come to, where the client tells it. */
  z.object({ ...base, kind: z.literal('card'), tips: z.int(), money: z.string().optional() }),
  /** A page: what it had on its screen has left, and the next one may come. */
  z.object({ ...base, kind: z.literal('gone') }),
  z.object({ ...base, kind: z.literal('gap'), from: z.int(), to: z.int() }),
  z.object({ ...base, kind: z.literal('close'), code: z.int() }),
]);
export type Entry = z.output<typeof Entry>;
export type EventEntry = Extract<Entry, { kind: 'event' | 'wire' }>;
