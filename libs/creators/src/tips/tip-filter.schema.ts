import { TIP_STATES, type TipFilter } from '@droppio/tips';
import * as z from 'zod';
import { addressField, momentField, pageQuery } from '../edge/fields.js';
import { tokenField } from './token-field.js';

const statesField = z
  .string()
  .max(200)
  .transform((text) => [...new Set(text.split(','))])
  .pipe(z.array(z.enum(TIP_STATES)));

/** What lists and exports of tips are filtered by. Everything that is named must fit. */
export const filterQuery = {
  from: momentField.optional().meta({ description: 'Block time at or after this (RFC 3339).' }),
  to: momentField.optional().meta({ description: 'Block time before this (RFC 3339).' }),
  chain: z.coerce.number<string>().int().min(1).max(Number.MAX_SAFE_INTEGER).optional().meta({ description: 'Chain id.' }),
  token: tokenField.optional(),
  sender: addressField.optional().meta({ description: 'Who tipped.' }),
  wallet: addressField.optional().meta({ description: 'Which of my wallets was tipped.' }),
  state: statesField.optional().meta({ description: `One or several of ${TIP_STATES.join(', ')}, separated by commas.` }),
  minimum: z
    .string()
    .regex(/^[0-9]{1,78}$/, 'must be smallest units: digits only')
    .transform(BigInt)
    .optional()
    .meta({ description: 'Smallest units of the token; only together with `token`.' }),
};

type Asked = z.output<z.ZodObject<typeof filterQuery>>;

/** Rules between fields, for every query that has these. */
export function checkFilter({ from, to, chain, token, minimum }: Asked, context: z.RefinementCtx): void {
  const fault = (path: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [path], message });
  };
  if (minimum !== undefined && token === undefined) fault('minimum', 'means nothing without `token`');
  if (chain !== undefined && token !== undefined && token.chainId !== chain) fault('token', 'is on another chain than `chain`');
  if (from !== undefined && to !== undefined && from >= to) fault('to', 'must be after `from`');
}

export const TipsQuery = z.strictObject({ ...pageQuery, ...filterQuery }).superRefine(checkFilter);
export type TipsQuery = z.output<typeof TipsQuery>;

export function filterOf({ from, to, chain, token, sender, wallet, state, minimum }: Asked): TipFilter {
  return {
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { beforeMs: to }),
    ...(chain === undefined ? {} : { chainId: chain }),
    ...(token === undefined ? {} : { token }),
    ...(sender === undefined ? {} : { sender }),
    ...(wallet === undefined ? {} : { wallet }),
    ...(state === undefined ? {} : { states: state }),
    ...(minimum === undefined ? {} : { minimum }),
  };
}
