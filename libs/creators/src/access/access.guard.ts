import { Injectable, Logger, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Unauthorized } from '@droppio/tips';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Request, Response } from 'express';
import { Counter } from 'prom-client';
import { defaultScope, rememberCaller, ROLES, SCOPE, type Caller, type CreatorCaller, type Role, type ScopeRule } from './access.js';
import { Credentials, type Shown } from './credentials.js';
import { Forbidden, ScopeMissing, SignInStale } from '../errors.js';
import { FailedCredentials } from '../edge/rates/failed-credentials.js';
import { routeOf } from '../edge/http-metrics.js';
import { AUTH_REFUSED } from '../metrics.js';
import { requestIdOf } from '../edge/request-id.js';

const CREATORS_ONLY: readonly Role[] = ['creator'];

/** Stands before every HTTP route of the process: none is open unless it says so. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly logger = new Logger('creators');

  constructor(
    private readonly reflector: Reflector,
    private readonly credentials: Credentials,
    private readonly failures: FailedCredentials,
    @InjectMetric(AUTH_REFUSED) private readonly refused: Counter,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    // Global guards also see sockets when one process has both; those have their own tokens and codes.
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    const route = [context.getHandler(), context.getClass()];
    const roles = this.reflector.getAllAndOverride<readonly Role[] | undefined>(ROLES, route) ?? CREATORS_ONLY;
    if (roles.length === 0) return true;
    const caller = await this.identify(request, response);
    rememberCaller(request, caller);
    if (!roles.includes(caller.role)) {
      this.note('role', request, response);
      throw new Forbidden('These credentials are for another part of the API.');
    }
    const rule = this.reflector.getAllAndOverride<ScopeRule | undefined>(SCOPE, route);
    const refusal =
      caller.role === 'creator' ? refusalOf(caller, rule ?? { scope: defaultScope(request.method), isFresh: false }) : undefined;
    if (refusal !== undefined) {
      this.note('scope', request, response);
      throw refusal;
    }
    return true;
  }

  private async identify(request: Request, response: Response): Promise<Caller> {
    this.failures.check(request);
    try {
      const caller = await this.credentials.callerOf(shownBy(request));
      // Whoever guesses in parallel learns nothing of guesses that were on their way when one was too many.
      this.failures.check(request);
      return caller;
    } catch (error) {
      const isGuess = error instanceof Unauthorized && error.context['reason'] !== 'none';
      if (error instanceof Unauthorized) this.note(isGuess ? 'unknown' : 'none', request, response);
      if (error instanceof Forbidden) this.note('origin', request, response);
      if (isGuess) await this.failures.count(request);
      throw error;
    }
  }

  private note(reason: 'none' | 'unknown' | 'role' | 'origin' | 'scope', request: Request, response: Response): void {
    this.refused.inc({ reason });
    this.logger.log('auth.refused', { reason, route: routeOf(request), ip: request.ip, requestId: requestIdOf(response) });
  }
}

function refusalOf({ scopes, session }: CreatorCaller, { scope, isFresh }: ScopeRule): Error | undefined {
  if (!scopes.includes(scope)) return new ScopeMissing(`This needs a token with the scope ${scope}.`);
  if (isFresh && session?.isFresh === false)
    return new SignInStale('Sign in again with your wallet: this needs a sign-in of the last ten minutes.');
  return undefined;
}

function shownBy(request: Request): Shown {
  return {
    authorization: request.get('authorization'),
    cookie: request.get('cookie'),
    origin: request.get('origin'),
    method: request.method,
  };
}
