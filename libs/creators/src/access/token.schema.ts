import { SCOPES, type AccessToken } from '@droppio/tips';
import * as z from 'zod';
import { nameField, timeField, timeShape } from '../edge/fields.js';

export const MAX_TOKENS = 50;

const scopeShape = z
  .enum(SCOPES)
  .meta({ description: 'read looks, write changes settings, moderate decides about messages, account moves money or power.' });

export const NewTokenBody = z.strictObject({
  name: nameField,
  scopes: z
    .array(scopeShape)
    .min(1)
    .max(SCOPES.length)
    .refine((scopes) => new Set(scopes).size === scopes.length, 'names a scope twice'),
  expiresAt: timeField.optional().meta({ description: 'When it stops working. Without one it works until it is deleted.' }),
});
export type NewTokenBody = z.output<typeof NewTokenBody>;

export const TokenView = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(scopeShape),
    createdAt: timeShape,
    lastUsedAt: timeShape.nullable().meta({ description: 'To the minute; null: never.' }),
    expiresAt: timeShape.nullable().meta({ description: 'null: never.' }),
  })
  .meta({ id: 'AccessToken' });
export type TokenView = z.output<typeof TokenView>;
export const TokenList = z.object({ data: z.array(TokenView) }).meta({ id: 'AccessTokenList' });
export const NewTokenView = z
  .object({ token: TokenView, accessToken: z.string().meta({ description: 'Shown this once; only its hash is kept.' }) })
  .meta({ id: 'NewAccessToken' });

export function tokenView({ id, name, scopes, createdAt, lastUsedAt, expiresAt }: AccessToken): TokenView {
  return {
    id,
    name,
    scopes: [...scopes],
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    expiresAt: expiresAt?.toISOString() ?? null,
  };
}
