import { TIP_STATES, type CreatorEvent, type TipDisplay } from '@droppio/tips';
import * as z from 'zod';

const Hex = z.templateLiteral(['0x', z.string()]);
const Amount = z.object({ raw: z.string(), decimals: z.number(), symbol: z.string(), chainId: z.number(), token: Hex });
const display = {
  tipId: z.string(),
  name: z.string(),
  from: Hex,
  amount: Amount,
  message: z.string(),
  ref: Hex,
  txHash: Hex,
  usd: z.string().exactOptional(),
};

export const StoredDisplay = z.object(display) satisfies z.ZodType<TipDisplay>;
export const StoredConfig = z.looseObject({ schemaVersion: z.number() });
export const StoredGrant = z.object({ overlayId: z.string(), version: z.number(), enabled: z.boolean(), config: StoredConfig });

const base = {
  seq: z.number(),
  id: z.string(),
  at: z.object({ block: z.number().exactOptional(), seen: z.number() }),
  ttlMs: z.number(),
};
const targeted = z.string().exactOptional();

/** A row of `creator_events` on its way out. Our own statements wrote it; a row that does not fit was written by something else. */
export const StoredEvent = z.discriminatedUnion('type', [
  z.object({
    ...base,
    type: z.enum(['tip', 'tip.updated', 'tip.retracted']),
    state: z.enum(TIP_STATES),
    rev: z.number(),
    d: StoredDisplay,
  }),
  z.object({ ...base, type: z.literal('test'), d: z.object({ ...display, overlayId: targeted, replayOf: targeted }) }),
  z.object({ ...base, type: z.literal('config'), d: StoredGrant }),
  z.object({ ...base, type: z.literal('control'), d: z.object({ action: z.string(), overlayId: targeted }) }),
]) satisfies z.ZodType<CreatorEvent>;
