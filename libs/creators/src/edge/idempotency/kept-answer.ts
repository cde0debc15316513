import { StreamableFile } from '@nestjs/common';
import type { KeptAnswer } from '@droppio/tips';
import type { Response } from 'express';
import { problemOf } from '../problem.js';

const MAX_BODY = 65_536;
const KEPT_HEADERS = ['ETag', 'Location'];
/** Refusals that another try may turn into something else. */
const PASSING = new Set([408, 425, 429]);

/** An answer that was given before. Thrown, so that it takes the one way out that does not depend on the route. */
export class RepeatedAnswer extends Error {
  constructor(readonly answer: KeptAnswer) {
    super('answered before');
  }
}

/** What to keep of a success; `undefined` for what is too large to keep, or no value at all. */
export function keptSuccess(body: unknown, response: Response): KeptAnswer | undefined {
  if (body instanceof StreamableFile || response.headersSent) return undefined;
  const text = body === undefined ? undefined : JSON.stringify(body);
  if (text !== undefined && text.length > MAX_BODY) return undefined;
  const headers: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = response.getHeader(name);
    if (typeof value === 'string') headers[name] = value;
  }
  return { status: response.statusCode, headers, ...(text === undefined ? {} : { body: text }) };
}

/** What to keep of a refusal; `undefined` where the same request may succeed later. */
export function keptRefusal(error: unknown): KeptAnswer | undefined {
  const problem = problemOf(error);
  if (problem.status >= 500 || PASSING.has(problem.status) || problem.retryAfterS !== undefined) return undefined;
  return { status: problem.status, body: JSON.stringify(problem).slice(0, MAX_BODY), headers: {} };
}
