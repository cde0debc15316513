import { MOST_ALERT_AFTER, type Creator, type CreatorWallet } from '@droppio/tips';
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

const listedField = z.boolean().meta({
  description:
    'Whether anybody may look the creator up by handle. Off (default) until the creator says so: the answer ties a name to wallets, and so to all that they ever did.',
});

export const CreatorChangeBody = z
  .strictObject({
    handle: handleField.optional().meta({ description: 'The old one is free at once, for anybody.' }),
    displayName: nameField.optional(),
    alertAfter: alertAfterField.optional(),
    listed: listedField.optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change');
export type CreatorChangeBody = z.output<typeof CreatorChangeBody>;

export const CreatorView = z
  .object({
    id: z.string(),
    handle: z.string(),
    displayName: z.string(),
    wallets: z.array(addressShape),
    alertAfter: alertAfterField,
    listed: listedField,
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

export function creatorView({ id, handle, displayName, wallets, alertAfter, listed, createdAt }: Creator): CreatorView {
  return { id, handle, displayName, wallets: [...wallets], alertAfter, listed, createdAt: createdAt.toISOString() };
}

export const PublicCreatorView = z
  .object({ handle: z.string(), displayName: z.string(), wallets: z.array(addressShape) })
  .meta({ id: 'PublicCreator' });
export type PublicCreatorView = z.output<typeof PublicCreatorView>;

export const WalletView = z
  .object({
    address: addressShape,
    addedAt: timeShape,
    provenOn: z.int().nullable().meta({
      description: 'The chain whose contract has signed for it, the only one on which it signs in; null: a key, good on every chain.',
    }),
  })
  .meta({ id: 'Wallet' });
export type WalletView = z.output<typeof WalletView>;
export const WalletList = z.object({ data: z.array(WalletView) }).meta({ id: 'WalletList' });

export const WalletNonceView = z
  .object({
    nonce: z.string(),
    statement: z.string().meta({ description: 'What the EIP-4361 message must state, word for word.' }),
    expiresAt: timeShape,
  })
  .meta({ id: 'WalletNonce' });

export function walletView({ address, addedAt, provenOn }: CreatorWallet): WalletView {
  return { address, addedAt: addedAt.toISOString(), provenOn: provenOn ?? null };
}
