import * as z from 'zod';

export const AccountEndBody = z.strictObject({
  handle: z.string().min(1).max(32).meta({ description: 'The handle of the account, to say that it is meant.' }),
});
export type AccountEndBody = z.output<typeof AccountEndBody>;

/** The parts are rows as they are stored: what their columns are called is no contract. */
export const AccountExport = z
  .looseObject({ exportedAt: z.iso.datetime(), profile: z.array(z.looseObject({})) })
  .meta({ id: 'AccountExport' });
