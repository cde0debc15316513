import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { TokenKey } from '@droppio/protocol/overlay-token';

export const NONCE_TTL_MS = 300_000;
const RANDOM_BYTES = 16;
const BODY_BYTES = RANDOM_BYTES + 6;
const MAC_BYTES = 16;

/**
 * Nonces that carry their own expiry and our signature: asking for one stores nothing, so nobody can fill the database with them. That each
 * works once is the store's business, which hears only of those that came back signed by a wallet.
 */
export class SignInNonces {
  private readonly keys: readonly Uint8Array[];

  constructor(keys: readonly TokenKey[]) {
    // A key of its own for each purpose: what signs overlay tokens must not sign anything else.
    this.keys = keys.map(({ secret }) => createHmac('sha256', secret).update('droppio sign-in nonce v1').digest());
  }

  /** Hex: EIP-4361 allows letters and digits only. It works for this purpose and for no other. */
  issue(now: number, purpose = ''): { nonce: string; expiresAt: Date } {
    const newest = this.keys.at(-1);
    if (newest === undefined) throw new TypeError('a nonce needs a signing key');
    const body = Buffer.alloc(BODY_BYTES);
    randomBytes(RANDOM_BYTES).copy(body);
    body.writeUIntBE(now + NONCE_TTL_MS, RANDOM_BYTES, 6);
    return { nonce: Buffer.concat([body, mac(newest, body, purpose)]).toString('hex'), expiresAt: new Date(now + NONCE_TTL_MS) };
  }

  /** When it expires; `undefined` for what we did not issue for this purpose or what has expired. */
  expiryOf(nonce: string, now: number, purpose = ''): Date | undefined {
    if (!/^[0-9a-f]{76}$/.test(nonce)) return undefined;
    const bytes = Buffer.from(nonce, 'hex');
    const body = bytes.subarray(0, BODY_BYTES);
    const isOurs = this.keys.some((key) => timingSafeEqual(mac(key, body, purpose), bytes.subarray(BODY_BYTES)));
    const expiresAt = body.readUIntBE(RANDOM_BYTES, 6);
    return isOurs && expiresAt > now ? new Date(expiresAt) : undefined;
  }
}

export function hashNonce(nonce: string): Uint8Array {
  return createHash('sha256').update(nonce).digest();
}

/** The body has one length, so where the purpose begins is never in doubt. */
function mac(key: Uint8Array, body: Uint8Array, purpose: string): Buffer {
  return createHmac('sha256', key).update(body).update(purpose).digest().subarray(0, MAC_BYTES);
}
