import { Injectable, Logger } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Request, Response } from 'express';
import { Counter } from 'prom-client';
import { routeOf } from '../edge/http-metrics.js';
import { requestIdOf } from '../edge/request-id.js';
import { AUTH_REFUSED } from '../metrics.js';

/** Counts and logs whom the guards refuse, and why; never what was shown. */
@Injectable()
export class Refusals {
  private readonly logger = new Logger('creators');

  constructor(@InjectMetric(AUTH_REFUSED) private readonly refused: Counter) {}

  note(reason: 'none' | 'stale' | 'unknown' | 'role' | 'origin' | 'scope', request: Request, response: Response): void {
    this.refused.inc({ reason });
    this.logger.log('auth.refused', { reason, route: routeOf(request), ip: request.ip, requestId: requestIdOf(response) });
  }
}
