import { Injectable } from '@nestjs/common';
import { AccessTokens, Clock, LimitReached, NotFound, type AccessToken, type Creator } from '@droppio/tips';
import { Forbidden, InvalidRequest, ScopeMissing } from '../errors.js';
import { hashAccessToken, newAccessToken } from './access-token.js';
import type { CreatorCaller } from './access.js';
import { MAX_TOKENS, type NewTokenBody } from './token.schema.js';

/** Access tokens of a creator: each allows what it was made for, and never more than whoever made it. */
@Injectable()
export class TokensService {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly clock: Clock,
  ) {}

  list({ id }: Creator): Promise<readonly AccessToken[]> {
    return this.tokens.list(id);
  }

  /** Throws `ScopeMissing` and `Forbidden` for more power, or for longer, than the caller has. */
  async create(caller: CreatorCaller, { name, scopes, expiresAt }: NewTokenBody): Promise<{ token: AccessToken; secret: string }> {
    const missing = scopes.find((scope) => !caller.scopes.includes(scope));
    if (missing !== undefined) throw new ScopeMissing(`These credentials do not have the scope ${missing} themselves.`);
    const until = this.expiryOf(caller, expiresAt);
    const secret = newAccessToken();
    const wanted = { creatorId: caller.creator.id, hash: hashAccessToken(secret), name, scopes };
    const token = await this.tokens.create({ ...wanted, ...(until === undefined ? {} : { expiresAt: until }) }, MAX_TOKENS);
    if (token === undefined) throw new LimitReached(`A creator may have ${String(MAX_TOKENS)} access tokens.`);
    return { token, secret };
  }

  async remove({ id }: Creator, tokenId: string): Promise<void> {
    if (!(await this.tokens.remove(id, tokenId))) throw new NotFound('There is no such token.');
  }

  /** A token that ends may not live on in its children. */
  private expiryOf({ token: parent }: CreatorCaller, wanted: Date | undefined): Date | undefined {
    if (wanted !== undefined && wanted.getTime() <= this.clock.now()) {
      throw new InvalidRequest('Some values do not fit.', [{ in: 'body', pointer: '/expiresAt', message: 'has passed already' }]);
    }
    const latest = parent?.expiresAt;
    if (latest !== undefined && wanted !== undefined && wanted > latest) {
      throw new Forbidden('A token cannot make one that outlives it.');
    }
    return wanted ?? latest;
  }
}
