import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Unauthorized } from '@droppio/tips';
import type { Request, Response } from 'express';
import { rememberCaller, rolesOf, type Caller } from './access.js';
import { Credentials, type Shown } from './credentials.js';
import { FailedCredentials } from '../edge/rates/failed-credentials.js';
import { Refusals } from './refusals.js';

/** The first of the guards: finds out who asks, so that the limits of how often know whom to count, and lets in nobody who is unknown. */
@Injectable()
export class CallerGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly credentials: Credentials,
    private readonly failures: FailedCredentials,
    private readonly refusals: Refusals,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    // Global guards also see sockets when one process has both; those have their own tokens and codes.
    if (context.getType() !== 'http' || rolesOf(this.reflector, context).length === 0) return true;
    const request = context.switchToHttp().getRequest<Request>();
    rememberCaller(request, await this.identify(request, context.switchToHttp().getResponse<Response>()));
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
      if (error instanceof Unauthorized) this.refusals.note(isGuess ? 'unknown' : 'none', request, response);
      if (isGuess) await this.failures.count(request);
      throw error;
    }
  }
}

function shownBy(request: Request): Shown {
  return { authorization: request.get('authorization'), cookie: request.get('cookie') };
}
