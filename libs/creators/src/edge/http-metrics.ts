import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { NextFunction, Request, Response } from 'express';
import { Histogram } from 'prom-client';
import { HTTP_REQUEST_DURATION } from '../metrics.js';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Times every answer. Labels come from the route table, never from the URL, so that strangers cannot make new series. */
@Injectable()
export class HttpMetrics {
  constructor(@InjectMetric(HTTP_REQUEST_DURATION) private readonly duration: Histogram) {}

  readonly middleware = (request: Request, response: Response, next: NextFunction): void => {
    const startedAt = performance.now();
    response.once('close', () => {
      const method = METHODS.has(request.method) ? request.method : 'OTHER';
      const statusClass = response.writableFinished ? `${String(Math.floor(response.statusCode / 100))}xx` : 'aborted';
      this.duration.observe({ method, route: routeOf(request), status_class: statusClass }, (performance.now() - startedAt) / 1000);
    });
    next();
  };
}

/** `/v1/overlays/:id`; `other` for pages, files and whatever matched nothing. */
export function routeOf(request: Request): string {
  const route: unknown = request.route;
  return typeof route === 'object' && route !== null && 'path' in route && typeof route.path === 'string' ? route.path : 'other';
}
