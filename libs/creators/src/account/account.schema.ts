import { toHex, type TipKey } from '@droppio/tips';
import * as z from 'zod';

export const AccountEndBody = z.strictObject({
  handle: z.string().min(1).max(32).meta({ description: 'The handle of the account, to say that it is meant.' }),
});
export type AccountEndBody = z.output<typeof AccountEndBody>;

const INT4_MAX = 2_147_483_647;

/** `chainId-txHash-ordinal`. */
export const tipKeyField = z
  .string()
  .regex(/^[1-9]\d{0,14}-0x[0-9a-f]{64}-\d{1,10}$/, 'is no id of a tip')
  .transform((text): TipKey => {
    const [chainId, txHash = '', ordinal] = text.split('-');
    return { chainId: Number(chainId), txHash: toHex(txHash, 32), ordinal: Number(ordinal) };
  })
  .refine(({ ordinal }) => ordinal <= INT4_MAX, 'is no id of a tip');

/** The parts are rows as they are stored: what their columns are called is no contract. */
export const AccountExport = z
  .looseObject({ exportedAt: z.iso.datetime(), profile: z.array(z.looseObject({})) })
  .meta({ id: 'AccountExport' });
