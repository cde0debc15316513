import * as z from 'zod';
import { TIP_STATES, type CreatorEvent, type FeedSignal, type Hex, type OverlayGrant } from '@droppio/tips';

/*
 * The door of the store: what comes back from Redis was written by some version of us, by a failover's half, or by somebody else's program.
 * Loose objects: a newer writer may add fields, and they travel on.
 */
const seq = z.int().nonnegative();
const hex: z.ZodType<Hex> = z.templateLiteral(['0x', z.string()]);
const at = z.looseObject({ block: z.number().exactOptional(), seen: z.number(), pub: z.number().exactOptional() });
// Only a hint: one that is broken must not cost the event.
const trace = z.string().max(55).optional().catch(undefined);
const base = { seq: seq.positive(), id: z.string(), at, ttlMs: z.number(), trace };
const amount = z.looseObject({ raw: z.string(), decimals: z.int(), symbol: z.string(), chainId: z.int(), token: hex });
const display = z.looseObject({
  tipId: z.string(),
  name: z.string(),
  from: hex,
  amount,
  message: z.string(),
  ref: hex,
  txHash: hex,
});

export const OverlayGrantSchema: z.ZodType<OverlayGrant> = z.looseObject({
  overlayId: z.string(),
  version: z.int(),
  enabled: z.boolean(),
  config: z.looseObject({ schemaVersion: z.number() }),
});

const tip = { state: z.enum(TIP_STATES), rev: z.int(), d: display };
export const CreatorEventSchema: z.ZodType<CreatorEvent> = z.discriminatedUnion('type', [
  z.looseObject({ ...base, type: z.enum(['tip', 'tip.updated', 'tip.retracted']), ...tip }),
  z.looseObject({
    ...base,
    type: z.literal('test'),
    d: display.extend({ overlayId: z.string().exactOptional(), replayOf: z.string().exactOptional() }),
  }),
  z.looseObject({ ...base, type: z.literal('config'), d: OverlayGrantSchema }),
  z.looseObject({
    ...base,
    type: z.literal('control'),
    d: z.looseObject({ action: z.string(), overlayId: z.string().exactOptional() }),
  }),
]);

/** What goes over a creator's channel. */
export const FeedSignalSchema: z.ZodType<Exclude<FeedSignal, { kind: 'reconnected' }>> = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('event'), epoch: z.string(), event: CreatorEventSchema }),
  z.looseObject({ kind: z.literal('restored'), position: z.looseObject({ epoch: z.string(), seq }) }),
]);

/** Answers of the scripts: see `scripts.ts`. Redis gives hash fields as strings, Lua `false` as null. */
export const AppendReply = z.tuple([z.enum(['appended', 'duplicate', 'gap', 'missing']), seq]);
export const RestoreReply = z.enum(['restored', 'behind', 'ended']);
export const MetaReply = z.tuple([z.string(), z.coerce.number().pipe(seq)]);
export const AfterReply = z.tuple([
  z.string(),
  z.coerce.number().pipe(seq),
  z.coerce.number().pipe(seq),
  z.string(),
  z.array(z.tuple([z.string(), z.array(z.string())])),
]);
export const GrantReply = z.tuple([z.enum(['known', 'unknown']), z.string()]);

/** `undefined`: not of this shape, or not even JSON. */
export function parseJson<T>(schema: z.ZodType<T>, text: string): T | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(json);
  return parsed.success ? parsed.data : undefined;
}
