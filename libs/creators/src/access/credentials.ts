import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { OverlayTokens } from '@droppio/protocol/overlay-token';
import { AccessTokens, CreatorDirectory, SCOPES, Unauthorized } from '@droppio/tips';
import type { Caller } from './access.js';
import { hashAccessToken, isAccessToken } from './access-token.js';
import { CreatorsOptions } from '../creators-options.js';
import { Sessions } from './sessions.js';

/** What of a request proves who asks. */
export interface Shown {
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
}

/** The one answer to whoever shows nothing that works. */
export class Refused extends Unauthorized {
  /** `stale`: of a shape that only we make, so it has worked once, or somebody tries 256 random bits. `unknown`: all else that was shown. */
  constructor(readonly reason: 'none' | 'stale' | 'unknown') {
    super('Sign in, or send a valid token as "Authorization: Bearer …".', { context: { reason } });
  }
}

/** Turns what a request shows into who asks. The one place that knows kinds of credentials: another way to sign in is another branch here. */
@Injectable()
export class Credentials {
  private readonly operator: Uint8Array | undefined;

  constructor(
    options: CreatorsOptions,
    private readonly directory: CreatorDirectory,
    private readonly accessTokens: AccessTokens,
    private readonly overlayTokens: OverlayTokens,
    private readonly sessions: Sessions,
  ) {
    this.operator = options.adminToken === undefined ? undefined : sha256(options.adminToken);
  }

  /** Throws `Refused` with the same words for unknown, revoked and malformed. */
  async callerOf({ authorization, cookie }: Shown): Promise<Caller> {
    if (authorization === undefined) return this.signedIn(cookie);
    const token = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1];
    if (token === undefined) throw new Refused('unknown');
    return (await this.creator(token)) ?? (await this.overlay(token)) ?? this.operatorOf(token);
  }

  private async signedIn(cookie: string | undefined): Promise<Caller> {
    const session = await this.sessions.of(cookie);
    const creator = session === undefined ? undefined : await this.directory.creator(session.creatorId);
    if (session === undefined || creator === undefined) throw new Refused(this.sessions.isShown(cookie) ? 'stale' : 'none');
    return { role: 'creator', creator, scopes: SCOPES, session };
  }

  private async creator(shown: string): Promise<Caller | undefined> {
    if (!isAccessToken(shown)) return undefined;
    const token = await this.accessTokens.use(hashAccessToken(shown));
    const creator = token === undefined ? undefined : await this.directory.creator(token.creatorId);
    if (token === undefined || creator === undefined) throw new Refused('stale');
    return { role: 'creator', creator, scopes: token.scopes, token };
  }

  /** The signature costs no look-up; whether the token was rotated away, only the overlay's row knows. */
  private async overlay(token: string): Promise<Caller | undefined> {
    const claim = this.overlayTokens.verify(token);
    if (claim === undefined) return undefined;
    const overlay = await this.directory.overlay(claim.creatorId, claim.overlayId);
    if (overlay?.enabled !== true || overlay.version !== claim.version) throw new Refused('stale');
    return { role: 'overlay', claim };
  }

  private operatorOf(token: string): Caller {
    // Hashes have one length, so the comparison tells nothing about the secret's.
    if (this.operator === undefined || !timingSafeEqual(sha256(token), this.operator)) throw new Refused('unknown');
    return { role: 'operator' };
  }
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
