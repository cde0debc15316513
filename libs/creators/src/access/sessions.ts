import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SignInStore, type Session } from '@droppio/tips';
import type { ProvenWallet } from './wallet-proof.js';

const DAY_MS = 86_400_000;
const IDLE_MS = 7 * DAY_MS;
const MAX_MS = 30 * DAY_MS;
/** The prefix makes browsers keep it for this host, over HTTPS (or this machine), whatever neighbours under the same domain try. */
const COOKIE = '__Host-droppio_sid';
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** Browsers that are signed in, each by a random secret in a cookie that no script can read. */
@Injectable()
export class Sessions {
  constructor(private readonly store: SignInStore) {}

  /** The `Set-Cookie` of a new session; always a new secret, so none can be planted before. */
  async open(creatorId: string, { address, ...proof }: ProvenWallet, agent: string): Promise<string> {
    const secret = randomBytes(32).toString('base64url');
    const lives = { idleMs: IDLE_MS, maxMs: MAX_MS };
    await this.store.openSession({ creatorId, wallet: address, ...proof, secretHash: hash(secret), agent, ...lives });
    return cookie(secret, MAX_MS);
  }

  /** The session behind a `Cookie` header. */
  async of(header: string | undefined): Promise<Session | undefined> {
    const secret = secretIn(header);
    return secret === undefined ? undefined : this.store.session(hash(secret));
  }

  isShown(header: string | undefined): boolean {
    return secretIn(header) !== undefined;
  }

  list(creatorId: string): Promise<readonly Session[]> {
    return this.store.sessions(creatorId);
  }

  end(creatorId: string, sessionId: string): Promise<boolean> {
    return this.store.endSession(creatorId, sessionId);
  }

  /** The `Set-Cookie` that makes a browser forget. */
  readonly forget = cookie('', 0);
}

function secretIn(header: string | undefined): string | undefined {
  for (const part of (header ?? '').slice(0, 4096).split(';')) {
    const [name, value = ''] = part.trim().split('=', 2);
    if (name === COOKIE && SECRET.test(value)) return value;
  }
  return undefined;
}

function cookie(value: string, maxAgeMs: number): string {
  return `${COOKIE}=${value}; Path=/; Max-Age=${String(maxAgeMs / 1000)}; HttpOnly; Secure; SameSite=Lax`;
}

function hash(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
