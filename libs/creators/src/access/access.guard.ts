import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Unauthorized } from '@droppio/tips';
import type { Request, Response } from 'express';
import { callerOf, defaultScope, rolesOf, SCOPE, type Caller, type CreatorCaller, type ScopeRule } from './access.js';
import { CreatorsOptions } from '../creators-options.js';
import { Forbidden, ScopeMissing, SignInStale } from '../errors.js';
import { Refusals } from './refusals.js';

/**
 * Stands before every HTTP route of the process: none is open unless it says so. Behind the limits of how often, because what it refuses
 * has cost the database as much as what it lets through.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly options: CreatorsOptions,
    private readonly refusals: Refusals,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const roles = rolesOf(this.reflector, context);
    if (roles.length === 0) return true;
    const request = context.switchToHttp().getRequest<Request>();
    const caller = callerOf(request);
    if (caller === undefined) throw new Unauthorized('Nobody has asked who this is.');
    const response = context.switchToHttp().getResponse<Response>();
    if (this.isForeign(caller, request)) {
      this.refusals.note('origin', request, response);
      throw new Forbidden('Not from this site.');
    }
    if (!roles.includes(caller.role)) {
      this.refusals.note('role', request, response);
      throw new Forbidden('These credentials are for another part of the API.');
    }
    const refusal = caller.role === 'creator' ? refusalOf(caller, this.ruleOf(context, request)) : undefined;
    if (refusal !== undefined) {
      this.refusals.note('scope', request, response);
      throw refusal;
    }
    return true;
  }

  /** Browsers send the cookie whoever asks, and say who does: reading is shielded by CORS, changing is by this. */
  private isForeign(caller: Caller, request: Request): boolean {
    if (caller.role !== 'creator' || caller.session === undefined || request.method === 'GET' || request.method === 'HEAD') return false;
    const origin = request.get('origin');
    return origin === undefined || !this.options.signIn.origins.includes(origin);
  }

  private ruleOf(context: ExecutionContext, { method }: Request): ScopeRule {
    const route = [context.getHandler(), context.getClass()];
    return this.reflector.getAllAndOverride<ScopeRule | undefined>(SCOPE, route) ?? { scope: defaultScope(method), isFresh: false };
  }
}

function refusalOf({ scopes, session }: CreatorCaller, { scope, isFresh }: ScopeRule): Error | undefined {
  if (!scopes.includes(scope)) return new ScopeMissing(`This needs a token with the scope ${scope}.`);
  if (isFresh && session?.isFresh === false)
    return new SignInStale('Sign in again with your wallet: this needs a sign-in of the last ten minutes.');
  return undefined;
}
