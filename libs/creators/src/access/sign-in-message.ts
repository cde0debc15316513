import { toHex, Unauthorized, type Creator, type Hex } from '@droppio/tips';
import { createSiweMessage, parseSiweMessage } from 'viem/siwe';
import * as z from 'zod';

/** A message may be this old, and this far ahead of our clock. */
const MAX_AGE_MS = 600_000;
const MAX_AHEAD_MS = 60_000;

export interface SignInRules {
  /** Origins of the pages on which people sign in. */
  readonly origins: readonly string[];
  readonly chains: ReadonlySet<number>;
}

export interface SignInClaim {
  readonly address: Hex;
  readonly chainId: number;
  readonly nonce: string;
}

const ADD_WALLET = 'Add this wallet to Droppio creator';

/** What a signature is for, if not for signing in: the one statement that its message must make, for the person who signs to read. */
export function addWalletStatement({ handle, id }: Pick<Creator, 'handle' | 'id'>): string {
  return `${ADD_WALLET} ${handle} (${id}).`;
}

const address = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]{40}$/)]);
const Fields = z.strictObject({
  address,
  chainId: z.int().positive(),
  domain: z.string(),
  expirationTime: z.date().optional(),
  issuedAt: z.date(),
  nonce: z.string(),
  notBefore: z.date().optional(),
  requestId: z.string().optional(),
  resources: z.array(z.string()).optional(),
  scheme: z.string().optional(),
  statement: z.string().optional(),
  uri: z.string(),
  version: z.literal('1'),
});
type Fields = z.output<typeof Fields>;

/**
 * Reads an EIP-4361 message and checks everything in it that needs neither store nor chain; `statement` is what it must say when it is for
 * something else than signing in. Throws `Unauthorized` with the reason.
 */
export function readSignIn(text: string, rules: SignInRules, now: number, statement?: string): SignInClaim {
  const fields = fieldsOf(text);
  const reason =
    fields === undefined
      ? 'is not an EIP-4361 message in its canonical form'
      : (purposeRefusalOf(fields, statement) ?? refusalOf(fields, rules, now));
  if (fields === undefined || reason !== undefined) throw notAccepted(`The message ${reason ?? 'cannot be read'}.`);
  return { address: toHex(fields.address, 20), chainId: fields.chainId, nonce: fields.nonce };
}

export function notAccepted(sentence: string): Unauthorized {
  return new Unauthorized(sentence, { context: { reason: 'sign-in' } });
}

/** The parser takes more than it should (text before and after, dates of many kinds), so the message must also be what its fields make. */
function fieldsOf(text: string): Fields | undefined {
  const fields = Fields.safeParse(parseSiweMessage(text));
  if (!fields.success) return undefined;
  try {
    const { expirationTime, notBefore, requestId, resources, scheme, statement, ...needed } = fields.data;
    const canonical = createSiweMessage({
      ...needed,
      ...(expirationTime === undefined ? {} : { expirationTime }),
      ...(notBefore === undefined ? {} : { notBefore }),
      ...(requestId === undefined ? {} : { requestId }),
      ...(resources === undefined ? {} : { resources }),
      ...(scheme === undefined ? {} : { scheme }),
      ...(statement === undefined ? {} : { statement }),
    });
    return canonical === text ? fields.data : undefined;
  } catch {
    return undefined;
  }
}

function purposeRefusalOf({ statement }: Fields, wanted: string | undefined): string | undefined {
  if (wanted !== undefined) return statement === wanted ? undefined : `must have the statement "${wanted}"`;
  return statement?.startsWith(ADD_WALLET) === true ? 'adds a wallet and does not sign in' : undefined;
}

function refusalOf(fields: Fields, { origins, chains }: SignInRules, now: number): string | undefined {
  const origin = origins.find((candidate) => new URL(candidate).host === fields.domain);
  if (origin === undefined) return 'is for another site';
  if (!URL.canParse(fields.uri) || new URL(fields.uri).origin !== origin) return 'has a uri of another site';
  if (fields.scheme !== undefined && `${fields.scheme}:` !== new URL(origin).protocol) return 'is for another scheme';
  if (!chains.has(fields.chainId)) return 'is for a chain that is not accepted here';
  const issuedAt = fields.issuedAt.getTime();
  if (issuedAt < now - MAX_AGE_MS || issuedAt > now + MAX_AHEAD_MS) return 'was not issued just now';
  if (fields.expirationTime !== undefined && fields.expirationTime.getTime() <= now) return 'has expired';
  if (fields.notBefore !== undefined && fields.notBefore.getTime() > now) return 'is not valid yet';
  return undefined;
}
