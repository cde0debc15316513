import type { Creator } from '@droppio/tips';
import * as z from 'zod';
import { addressField, addressShape, nameField, timeShape } from './fields.js';

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

export const CreatorView = z
  .object({
    id: z.string(),
    handle: z.string(),
    displayName: z.string(),
    wallets: z.array(addressShape),
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

export function creatorView({ id, handle, displayName, wallets, createdAt }: Creator): CreatorView {
  return { id, handle, displayName, wallets: [...wallets], createdAt: createdAt.toISOString() };
}
