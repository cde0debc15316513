import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import helmet from 'helmet';
import { serveDocs } from './docs.js';
import { HttpMetrics } from './http-metrics.js';
import { readJsonBody } from './json-body.js';
import { ProblemFilter } from './problem.filter.js';
import { nameRequest } from './request-id.js';

export interface HttpOptions {
  /** Origins whose pages may call the API; none by default. */
  readonly corsOrigins: readonly string[];
  /** Proxies whose `X-Forwarded-For` is believed: addresses, networks, or names as Express knows them; none by default. */
  readonly trustedProxies: readonly string[];
}

/**
 * Everything between the socket and the routes: request id, metrics, headers, bodies, errors, docs. Called once, before the app listens;
 * the app must hold `CreatorsModule`. Routes that other modules add are behind the same door.
 */
export function configureHttp(app: NestExpressApplication, options: HttpOptions): void {
  app.set('trust proxy', options.trustedProxies.length === 0 ? false : [...options.trustedProxies]);
  app.set('query parser', 'simple');
  // Answers are private and never stored; a tag made from the body would only cost time.
  app.set('etag', false);
  app.use(nameRequest);
  app.use(app.get(HttpMetrics, { strict: false }).middleware);
  app.use(secure());
  if (options.corsOrigins.length > 0) {
    app.enableCors({
      origin: [...options.corsOrigins],
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowedHeaders: ['Authorization', 'Content-Type', 'If-Match', 'Idempotency-Key', 'X-Request-Id'],
      exposedHeaders: ['ETag', 'Idempotency-Replayed', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Request-Id'],
      // For the session's cookie; what it may change is up to the origins of sign-in.
      credentials: true,
      maxAge: 600,
    });
  }
  app.use(readJsonBody);
  app.useGlobalFilters(new ProblemFilter());
  serveDocs(app);
}

/** Two kinds of answers, two policies: data that no page may frame or run, and the docs page, which runs its own files only. */
function secure(): RequestHandler {
  const api = helmet({ ...shared, contentSecurityPolicy: csp({}) });
  const docs = helmet({
    ...shared,
    contentSecurityPolicy: csp({
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
    }),
  });
  return (request: Request, response: Response, next: NextFunction) => {
    const isDocs = request.path === '/docs' || request.path.startsWith('/docs/');
    response.setHeader('Cache-Control', isDocs ? 'no-cache' : 'no-store');
    (isDocs ? docs : api)(request, response, next);
  };
}

const shared = {
  referrerPolicy: { policy: 'no-referrer' as const },
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: true },
  xFrameOptions: { action: 'deny' as const },
};

function csp(allowed: Record<string, string[]>): { useDefaults: false; directives: Record<string, string[]> } {
  const closed = ["'none'"];
  return {
    useDefaults: false,
    directives: {
      'default-src': closed,
      'base-uri': closed,
      'form-action': closed,
      'frame-ancestors': closed,
      'object-src': closed,
      ...allowed,
    },
  };
}
