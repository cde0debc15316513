import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { rememberCaller, rolesOf, type Caller } from './access.js';
import { Credentials, Refused, type Shown } from './credentials.js';
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
    try {
      const caller = await this.credentials.callerOf(shownBy(request));
      // Nobody guesses 256 random bits; whoever guesses what a person chose learns nothing once one was too many, not even that it is right.
      if (caller.role === 'operator') this.failures.check(request);
      return caller;
    } catch (error) {
      if (error instanceof Refused) await this.count(error.reason, request, response);
      throw error;
    }
  }

  /** What goes too far is neither answered nor written down as a refusal: it is one of too many requests. */
  private async count(reason: Refused['reason'], request: Request, response: Response): Promise<void> {
    await (reason === 'unknown' ? this.failures.countGuess(request) : this.failures.countRefusal(request));
    this.refusals.note(reason, request, response);
  }
}

function shownBy(request: Request): Shown {
  return { authorization: request.get('authorization'), cookie: request.get('cookie') };
}
