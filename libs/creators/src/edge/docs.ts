import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject, type SwaggerDocumentOptions } from '@nestjs/swagger';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { NotFound, RateCounter } from '@droppio/tips';
import * as z from 'zod';
import { defaultScope } from '../access/access.js';
import { CreatorsOptions } from '../creators-options.js';
import { webhookDocs } from '../webhooks/webhook-event.schema.js';
import { KEY_HEADER, KEY_MAX_LENGTH } from './idempotency/keyed-request.js';
import { REPEATABLE_MARK } from './idempotency/repeatable.js';
import { PROBLEMS } from './problem.js';
import { hitAddress } from './rates/address-limit.js';

type Converter = NonNullable<SwaggerDocumentOptions['standardSchemaConverter']>;

/** OpenAPI 3.1 speaks JSON Schema 2020-12, so schemas go in as they are; those with an id become components. */
const convert: Converter = (schema, { schemaType }) => {
  if (!(schema instanceof z.ZodType)) return undefined;
  const { $defs, ...converted } = z.toJSONSchema(schema, { io: schemaType, target: 'draft-2020-12' });
  delete converted.$schema;
  return { schema: converted, components: $defs ?? {} };
};

/** The contract of every route, made from the very schemas that check the requests. */
export function openApiOf(app: NestExpressApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Droppio')
    .setDescription(
      'On-chain tips on a live overlay. Amounts are decimal strings of smallest units, times RFC 3339 in UTC, failures RFC 9457.',
    )
    .setVersion('1')
    .addSecurity('creator', {
      type: 'http',
      scheme: 'bearer',
      description: 'Access token `dro_pat_…` of a creator, made for the scope named.',
    })
    .addSecurity('session', { type: 'apiKey', in: 'cookie', name: '__Host-droppio_sid', description: 'Set by signing in with a wallet.' })
    .addSecurity('operator', { type: 'http', scheme: 'bearer', description: 'The operator’s ADMIN_TOKEN.' })
    .addSecurity('overlay', { type: 'http', scheme: 'bearer', description: 'Overlay token `dro_ov_…`: sees alerts, changes nothing.' })
    .addSecurityRequirements('creator')
    .addSecurityRequirements('session')
    .addGlobalResponse({
      status: 'default',
      description: 'Any failure.',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    })
    .build();
  const document = SwaggerModule.createDocument(app, config, { standardSchemaConverter: convert });
  nameScopes(document);
  const components = { ...document.components, schemas: { ...document.components?.schemas, Problem: problemSchema } };
  return Object.assign({ ...document, components }, { webhooks: webhookDocs() });
}

/** A route that says nothing of its callers is for creators, with the scope that goes with its method. */
function nameScopes({ paths }: OpenAPIObject): void {
  for (const operations of Object.values(paths)) {
    for (const method of ['get', 'put', 'post', 'delete', 'patch'] as const) {
      const operation = operations[method];
      if (operation === undefined) continue;
      operation.security ??= [{ creator: [defaultScope(method.toUpperCase())] }, { session: [] }];
      const isKeyed = method === 'post' && !(REPEATABLE_MARK in operation) && operation.security.some((rule) => 'creator' in rule);
      if (isKeyed) (operation.parameters ??= []).push(keyParameter);
    }
  }
}

const keyParameter = {
  name: KEY_HEADER,
  in: 'header',
  required: false,
  description:
    'Sent again with the same key within a day, the request is not done again: the first answer is repeated, with `Idempotency-Replayed: true`. An answer that held a secret is not kept: 409.',
  schema: { type: 'string' as const, minLength: 1, maxLength: KEY_MAX_LENGTH },
} as const;

const DOCUMENT = 'openapi.json';
const DOCS_FILES = new Set([
  '/',
  '/favicon-16x16.png',
  '/favicon-32x32.png',
  '/swagger-ui-bundle.js',
  '/swagger-ui-init.js',
  '/swagger-ui-standalone-preset.js',
  '/swagger-ui.css',
]);

/** `/openapi.json`, `/docs` (all of it from this process) and the words behind every problem type. */
export function serveDocs(app: NestExpressApplication): void {
  app.use(['/docs', `/${DOCUMENT}`], limitOf(app));
  app.use('/docs', (request: Request, response: Response, next: NextFunction) => {
    if (request.path === '/problems') response.type('html').send(PROBLEMS_PAGE);
    // The package behind the page has more files than the page needs, with source maps of many megabytes.
    else if (DOCS_FILES.has(request.path)) next();
    else throw new NotFound('No such page.');
  });
  SwaggerModule.setup('docs', app, openApiOf(app), {
    jsonDocumentUrl: DOCUMENT,
    raw: ['json'],
    customSiteTitle: 'Droppio API',
    swaggerOptions: { validatorUrl: null, persistAuthorization: false },
  });
}

/** Guards stand before routes, and these are none: what they cost counts like every request without credentials. */
function limitOf(app: NestExpressApplication): RequestHandler {
  const { rates } = app.get(CreatorsOptions, { strict: false });
  const counter = app.get(RateCounter, { strict: false });
  return (request: Request, _response: Response, next: NextFunction) => {
    if (rates.address === 0) next();
    else
      hitAddress(counter, rates.address, request).then(() => {
        next();
      }, next);
  };
}

const problemSchema = {
  type: 'object' as const,
  description: 'RFC 9457.',
  required: ['type', 'title', 'status', 'detail', 'code', 'instance', 'requestId'],
  properties: {
    type: { type: 'string' as const, description: 'Page that explains this kind.' },
    title: { type: 'string' as const },
    status: { type: 'integer' as const },
    detail: { type: 'string' as const },
    code: { type: 'string' as const, description: 'Stable; switch on this.', examples: Object.keys(PROBLEMS) },
    instance: { type: 'string' as const },
    requestId: { type: 'string' as const, description: 'Quote it when asking for help.' },
    errors: {
      type: 'array' as const,
      items: {
        type: 'object' as const,
        required: ['in', 'pointer', 'message'],
        properties: {
          in: { type: 'string' as const, enum: ['body', 'query', 'path', 'header'] },
          pointer: { type: 'string' as const, description: 'RFC 6901.' },
          message: { type: 'string' as const },
        },
      },
    },
  },
};

const PROBLEMS_PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Droppio API problems</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}:target{background:#fef3c7}</style>
<h1>Problems</h1><p>What the <code>type</code> of an answer from the API points to.</p><dl>
${Object.entries(PROBLEMS)
  .map(([code, { status, title }]) => `<dt id="${code}"><code>${code}</code> · ${String(status)}</dt><dd>${title}.</dd>`)
  .join('\n')}
</dl></html>`;
