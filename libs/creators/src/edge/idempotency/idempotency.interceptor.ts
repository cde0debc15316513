import { Injectable, Logger, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { errorFields } from '@droppio/platform';
import { IdempotencyKeys, type KeptAnswer, type KeyedRequest } from '@droppio/tips';
import type { Request, Response } from 'express';
import { defer, lastValueFrom, type Observable } from 'rxjs';
import { AnswerNotKept, KeyInUse, KeyReused } from '../../errors.js';
import { ANSWERS_SECRET } from './answers-secret.js';
import { keptRefusal, keptSuccess, RepeatedAnswer } from './kept-answer.js';
import { keyedRequest } from './keyed-request.js';
import { REPEATABLE } from './repeatable.js';

/**
 * POSTs with an `Idempotency-Key` are done once, however often they are sent: around every route and outside all other interceptors, so that
 * what is repeated is not done in any respect. Faults of ours free the key; everything else is the answer for a day.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly logger = new Logger('creators');

  constructor(
    private readonly keys: IdempotencyKeys,
    private readonly reflector: Reflector,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    if (context.getType() !== 'http' || this.isMarked(REPEATABLE, context)) return next.handle();
    const http = context.switchToHttp();
    const request = keyedRequest(http.getRequest<Request>());
    if (request === undefined) return next.handle();
    const owner = await this.claim(request);
    const isSecret = this.isMarked(ANSWERS_SECRET, context);
    return defer(async () => {
      const body = await this.work(request, owner, next);
      await this.settle(request, owner, isSecret ? undefined : keptSuccess(body, http.getResponse<Response>()));
      return body;
    });
  }

  private isMarked(mark: string, context: ExecutionContext): boolean {
    return this.reflector.get<boolean | undefined>(mark, context.getHandler()) === true;
  }

  /** Throws what the caller is to hear when the request is not to be done. */
  private async claim(request: KeyedRequest): Promise<string> {
    const claim = await this.keys.claim(request);
    switch (claim.kind) {
      case 'ours':
        return claim.owner;
      case 'answered':
        throw new RepeatedAnswer(claim.answer);
      case 'done':
        throw new AnswerNotKept('This was done before; what was answered is not kept, since it held a secret or was too long.');
      case 'running':
        throw new KeyInUse('The request with this Idempotency-Key is still running.', 1);
      case 'other':
        throw new KeyReused('This Idempotency-Key was used for another request.');
    }
  }

  private async work(request: KeyedRequest, owner: string, next: CallHandler): Promise<unknown> {
    try {
      return await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      const refusal = keptRefusal(error);
      if (refusal === undefined) await this.quietly(this.keys.free(request, owner));
      else await this.settle(request, owner, refusal);
      throw error;
    }
  }

  private settle(request: KeyedRequest, owner: string, answer: KeptAnswer | undefined): Promise<void> {
    return this.quietly(this.keys.complete(request, owner, answer));
  }

  /** The work is done or refused already: what its caller hears does not depend on whether it could be written down. */
  private async quietly(writing: Promise<void>): Promise<void> {
    await writing.catch((error: unknown) => {
      this.logger.warn('idempotency.not-kept', errorFields(error));
    });
  }
}
