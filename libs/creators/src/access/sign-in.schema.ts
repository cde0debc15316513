import { toHex, type Session } from '@droppio/tips';
import * as z from 'zod';
import { handleField } from '../profile/creator.schema.js';
import { nameField, timeShape } from '../edge/fields.js';

export const NonceView = z.object({ nonce: z.string(), expiresAt: timeShape }).meta({ id: 'SignInNonce' });

/** What proves that somebody holds a wallet. */
export const walletProof = {
  message: z.string().min(1).max(4000).meta({ description: 'EIP-4361, in its canonical form.' }),
  /** Contract wallets sign at length. */
  signature: z
    .string()
    .max(20_000)
    .regex(/^0x([0-9a-fA-F]{2}){1,9999}$/, 'must be 0x and hex digits')
    .transform((text) => toHex(text)),
};

export const SignInBody = z.strictObject({
  ...walletProof,
  signUp: z
    .strictObject({ handle: handleField, displayName: nameField })
    .optional()
    .meta({ description: 'Registers the wallet when no creator has it, where the operator allows that.' }),
});
export type SignInBody = z.output<typeof SignInBody>;

export const SessionView = z
  .object({
    id: z.string(),
    agent: z.string(),
    isCurrent: z.boolean(),
    createdAt: timeShape,
    seenAt: timeShape.meta({ description: 'To the minute.' }),
    expiresAt: timeShape,
  })
  .meta({ id: 'Session' });
export type SessionView = z.output<typeof SessionView>;
export const SessionList = z.object({ data: z.array(SessionView) }).meta({ id: 'SessionList' });

export function sessionView({ id, agent, createdAt, seenAt, expiresAt }: Session, currentId: string | undefined): SessionView {
  return {
    id,
    agent,
    isCurrent: id === currentId,
    createdAt: createdAt.toISOString(),
    seenAt: seenAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}
