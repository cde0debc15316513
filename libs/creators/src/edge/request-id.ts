import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

const HEADER = 'X-Request-Id';
/** What a proxy in front may send; anything else could forge log lines. */
const SANE = /^[A-Za-z0-9._-]{8,64}$/;

/** Gives every request a name that its answer and every log line about it carry. */
export function nameRequest(request: Request, response: Response, next: NextFunction): void {
  const given = request.get(HEADER);
  response.setHeader(HEADER, given !== undefined && SANE.test(given) ? given : randomUUID());
  next();
}

export function requestIdOf(response: Response): string {
  return String(response.getHeader(HEADER) ?? 'unnamed');
}
