import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerRequest } from '@nestjs/throttler';
import type { Response } from 'express';
import { TooManyRequests } from '../../errors.js';

/**
 * Stands behind the guard that finds out who asks, before the one that says whether they may, and tells each caller how much is left: `RateLimit-Policy` and `RateLimit` as in
 * draft-ietf-httpapi-ratelimit-headers-11, one item per limit.
 */
@Injectable()
export class RateGuard extends ThrottlerGuard {
  // Sockets in the same process have limits of their own.
  protected override shouldSkip(context: ExecutionContext): Promise<boolean> {
    return Promise.resolve(context.getType() !== 'http');
  }

  protected override async handleRequest({
    context,
    limit,
    ttl,
    throttler,
    blockDuration,
    getTracker,
  }: ThrottlerRequest): Promise<boolean> {
    const name = throttler.name ?? 'default';
    const http = context.switchToHttp();
    const key = `${name}:${await getTracker(http.getRequest<Record<string, unknown>>(), context)}`;
    const record = await this.storageService.increment(key, ttl, limit, blockDuration, name);
    const response = http.getResponse<Response>();
    const item = policyName(name);
    response.append('RateLimit-Policy', `"${item}";q=${String(limit)};w=${String(ttl / 1000)}`);
    response.append('RateLimit', `"${item}";r=${String(Math.max(0, limit - record.totalHits))};t=${String(record.timeToExpire)}`);
    if (record.isBlocked) throw new TooManyRequests(`More than ${String(limit)} requests a minute (${item}).`, record.timeToBlockExpire);
    return true;
  }
}

/** `testAlert` as `test-alert`. */
function policyName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
