import { SCREENING_REASONS, SCREENINGS, tipId, TIP_STATES, toHex, type AlertPage, type ModeratedTip, type TipKey } from '@droppio/tips';
import * as z from 'zod';
import { addressShape, hashShape, pageQuery, pageShape, timeShape } from '../edge/fields.js';

const INT4_MAX = 2_147_483_647;

const TIP_ID = /^([1-9][0-9]{0,14})-(0x[0-9a-f]{64})-(0|[1-9][0-9]{0,9})$/;

/** The id of a tip, as every list gives it; `undefined` for a text that is none, of which there is no tip either. */
export const tipIdField = z
  .string()
  .max(200)
  .transform((text): TipKey | undefined => {
    const [, chainId = '', txHash = '', ordinal = ''] = TIP_ID.exec(text) ?? [];
    const isId = txHash !== '' && Number(ordinal) <= INT4_MAX;
    return isId ? { chainId: Number(chainId), txHash: toHex(txHash), ordinal: Number(ordinal) } : undefined;
  });

export const AlertsQuery = z.strictObject({
  state: z.enum(['held', 'rejected', 'shown']).default('held').meta({ description: 'held: what waits for a person.' }),
  ...pageQuery,
});
export type AlertsQuery = z.output<typeof AlertsQuery>;

const seen = z.object({ name: z.string(), from: addressShape, message: z.string() });

export const AlertView = z
  .object({
    id: z.string().meta({ description: '`chainId-txHash-ordinal`, as in the history.' }),
    state: z.enum(SCREENINGS),
    reason: z.enum(SCREENING_REASONS).optional().meta({
      description: 'Why it is held or rejected; `person`: somebody decided; `message-hidden`: shown, and somebody took its message away.',
    }),
    tipState: z.enum(TIP_STATES),
    amount: z.object({ raw: z.string(), decimals: z.int(), symbol: z.string(), chainId: z.int(), token: addressShape }),
    original: seen.meta({ description: 'As the chain has it.' }),
    shown: seen.meta({ description: 'As overlays see it, or would if it were approved by the rules of then.' }),
    txHash: hashShape,
    at: timeShape.meta({ description: 'Time of its block.' }),
  })
  .meta({ id: 'Alert' });
export type AlertView = z.output<typeof AlertView>;

export const AlertList = z.object({ data: z.array(AlertView), page: pageShape }).meta({ id: 'AlertPage' });

export function alertView(tip: ModeratedTip): AlertView {
  const { display, shown } = tip;
  const { raw, decimals, symbol, chainId, token } = display.amount;
  return {
    id: tipId(tip),
    state: tip.screening,
    ...(tip.reason === undefined ? {} : { reason: tip.reason }),
    tipState: tip.state,
    amount: { raw, decimals, symbol, chainId, token },
    original: { name: display.name, from: display.from, message: display.message },
    shown: { name: shown.name, from: shown.from, message: shown.message },
    txHash: tip.txHash,
    at: new Date(tip.blockTimestampMs).toISOString(),
  };
}

export function alertList({ tips, next }: AlertPage): z.output<typeof AlertList> {
  return { data: tips.map(alertView), page: { next: next ?? null, hasMore: next !== undefined } };
}
