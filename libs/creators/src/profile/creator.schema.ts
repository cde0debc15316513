import { MOST_ALERT_AFTER, type Creator } from '@droppio/tips';
import * as z from 'zod';
import { addressField, addressShape, nameField, timeShape } from '../edge/fields.js';

export const handleField = z.string().regex(/^[a-z0-9_-]{3,32}$/, 'must be 3 to 32 of a-z, 0-9, _ and -');

export const NewCreatorBody = z.strictObject({
  handle: handleField,
  displayName: nameField,
  wallets: z
    .array(addressField)
    .min(1)
    .max(20)
    .refine((wallets) => new Set(wallets).size === wallets.length, 'names a wallet twice'),
});
export type NewCreatorBody = z.output<typeof NewCreatorBody>;

const alertAfterField = z.int().min(0).max(MOST_ALERT_AFTER).meta({
  description:
    'When a tip plays its alert: 1 (default) as soon as a block holds it, N once N blocks do, its own included; 0 already when the node promises it, before its block is sealed, on chains that have such preconfirmations.',
});

export const CreatorChangeBody = z
  .strictObject({ displayName: nameField.optional(), alertAfter: alertAfterField.optional() })
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change');
export type CreatorChangeBody = z.output<typeof CreatorChangeBody>;

export const CreatorView = z
  .object({
    id: z.string(),
    handle: z.string(),
    displayName: z.string(),
    wallets: z.array(addressShape),
    alertAfter: alertAfterField,
    createdAt: timeShape,
  })
  .meta({ id: 'Creator' });
export type CreatorView = z.output<typeof CreatorView>;

export const NewCreatorView = z
  .object({
    creator: CreatorView,
    accessToken: z.string().meta({ description: 'Shown this once; only its hash is kept.' }),
  })
  .meta({ id: 'NewCreator' });
export type NewCreatorView = z.output<typeof NewCreatorView>;

export function creatorView({ id, handle, displayName, wallets, alertAfter, createdAt }: Creator): CreatorView {
  return { id, handle, displayName, wallets: [...wallets], alertAfter, createdAt: createdAt.toISOString() };
}
