import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { DroppioError, type KeptAnswer } from '@droppio/tips';
import { errorFields } from '@droppio/platform';
import type { Request, Response } from 'express';
import * as z from 'zod';
import { RepeatedAnswer } from './idempotency/kept-answer.js';
import { routeOf } from './http-metrics.js';
import { problemOf } from './problem.js';
import { requestIdOf } from './request-id.js';

/** The one way out for every failure of a request. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('creators');

  catch(error: unknown, host: ArgumentsHost): void {
    // Global filters also see sockets when one process has both; those have their own codes.
    if (host.getType() !== 'http') throw error;
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<Request>(), http.getResponse<Response>());
  }

  private answer(error: unknown, request: Request, response: Response): void {
    if (error instanceof RepeatedAnswer) {
      repeat(error.answer, request, response);
      return;
    }
    const { retryAfterS, ...problem } = problemOf(error);
    if (problem.status >= 500) this.log(error, { requestId: requestIdOf(response), method: request.method, route: routeOf(request) });
    if (response.headersSent) {
      // Half an answer is out: a cut connection is the only honest end.
      response.destroy();
      return;
    }
    if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    if (retryAfterS !== undefined) response.setHeader('Retry-After', String(retryAfterS));
    sendProblem(problem, request, response);
  }

  private log(error: unknown, where: Record<string, string>): void {
    const fields = { ...where, ...errorFields(error) };
    if (error instanceof DroppioError && error.retryable) this.logger.warn('http.unavailable', fields);
    else this.logger.error('http.failed', fields);
  }
}

/** What was answered before, but of this request. */
function repeat({ status, headers, body }: KeptAnswer, request: Request, response: Response): void {
  response.set(headers).set('Idempotency-Replayed', 'true');
  if (status >= 400) sendProblem({ status, ...KeptProblem.parse(JSON.parse(body ?? '{}')) }, request, response);
  else if (body === undefined) response.status(status).end();
  else response.status(status).type('application/json').send(body);
}

const KeptProblem = z.looseObject({});

function sendProblem({ errors, ...facts }: { status: number; errors?: unknown }, request: Request, response: Response): void {
  const instance = request.originalUrl.split('?', 1)[0];
  response
    .status(facts.status)
    .setHeader('Content-Type', 'application/problem+json; charset=utf-8')
    .setHeader('Cache-Control', 'no-store')
    .end(JSON.stringify({ ...facts, instance, requestId: requestIdOf(response), ...(errors === undefined ? {} : { errors }) }));
}
