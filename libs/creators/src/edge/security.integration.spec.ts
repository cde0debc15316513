import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { readDocument, startTestApi, type ApiDocument, type TestApi } from '../testing/index.js';

const ORIGIN = 'https://app.test';
const api: TestApi = await startTestApi(inject('postgresUrl'), { http: { corsOrigins: [ORIGIN] } });
const raw = (await api.call('GET', '/openapi.json')).json as { components: { schemas: Record<string, Schema> } };
const document: ApiDocument = readDocument(raw);
const routes = document.routes.map((route) => [route.operationId, route] as const);

afterAll(() => api.close());

/** The parts of JSON Schema that say how much may be sent. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: unknown;
  readonly const?: unknown;
  readonly pattern?: string;
  readonly format?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly propertyNames?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

/** Sentences about everything in a schema that may be as large as its sender likes, or that takes what nobody has named. */
function boundless(schema: Schema, at: string, seen = new Set<string>()): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return seen.has(name) ? [] : boundless(raw.components.schemas[name] ?? {}, at, new Set([...seen, name]));
  }
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].flatMap((part) => boundless(part, at, seen));
  if (schema.enum !== undefined || schema.const !== undefined) return inner;
  return [...inner, ...faultsOf(schema, at, seen)];
}

function faultsOf(schema: Schema, at: string, seen: Set<string>): string[] {
  switch (schema.type) {
    case 'string':
      return schema.maxLength === undefined && !isBounded(schema) ? [`${at}: a text without a longest length`] : [];
    case 'integer':
    case 'number':
      return hasRange(schema) ? [] : [`${at}: a number without a range`];
    case 'array':
      return listFaults(schema, at, seen);
    case 'object':
      return [
        ...(schema.additionalProperties === false || schema.propertyNames !== undefined
          ? []
          : [`${at}: takes fields that nobody has named`]),
        ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => boundless(part, `${at}.${name}`, seen)),
      ];
    default:
      return [];
  }
}

function listFaults({ items, maxItems, prefixItems }: Schema, at: string, seen: Set<string>): string[] {
  const parts = [...(prefixItems ?? []), ...(items === undefined ? [] : [items])].flatMap((item) => boundless(item, `${at}[]`, seen));
  return maxItems === undefined && prefixItems === undefined ? [`${at}: a list without a longest length`, ...parts] : parts;
}

/** A pattern with ends and without `*`, `+` or `{n,}` outside of classes says how long its text is. */
function isBounded({ pattern, format }: Schema): boolean {
  if (format === 'uuid' || format === 'date') return true;
  const plain = pattern?.replaceAll(/\\./g, 'x').replaceAll(/\[[^\]]*\]/g, 'x');
  return plain !== undefined && plain.startsWith('^') && plain.endsWith('$') && !/[*+]|\{\d+,\}/.test(plain);
}

function hasRange({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): boolean {
  return (minimum ?? exclusiveMinimum) !== undefined && (maximum ?? exclusiveMaximum) !== undefined;
}

describe.each(routes)('what %s takes', (_operationId, { operation }) => {
  it('has bounds, and names everything', () => {
    const body = operation.requestBody?.content?.['application/json']?.schema;
    const faults = [
      ...operation.parameters.flatMap(({ name, schema }) => boundless(schema as Schema, name)),
      ...(body === undefined ? [] : boundless(body, 'body')),
    ];
    expect(faults).toEqual([]);
  });

  it('asks for at most 200 things at a time', () => {
    const limit = operation.parameters.find(({ name }) => name === 'limit')?.schema as Schema | undefined;
    const cursor = operation.parameters.some(({ name }) => name === 'cursor');
    expect(cursor).toBe(limit !== undefined && cursor);
    expect(limit?.maximum ?? 0).toBeLessThanOrEqual(200);
  });
});

describe.each(routes)('an answer of %s', (_operationId, { method, path }) => {
  it('carries every header that keeps pages from it, and is kept nowhere', async () => {
    const { headers } = await api.call(method, path.replaceAll(/\{\w+\}/g, '11111111-1111-4111-8111-111111111111'));
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none';object-src 'none'",
    );
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('a preflight', () => {
  const preflight = (origin: string, headers = 'authorization,content-type,if-match,idempotency-key') =>
    api.call('OPTIONS', '/v1/overlays', {
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': headers },
    });

  it('is answered to the listed origin, with what the API needs', async () => {
    const { status, headers } = await preflight(ORIGIN);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('access-control-allow-headers')).toBe('Authorization,Content-Type,If-Match,Idempotency-Key,X-Request-Id');
    expect(headers.get('vary')).toContain('Origin');
  });

  it.each(['https://evil.test', 'null', `${ORIGIN}.evil.test`, 'http://app.test', `${ORIGIN}:8443`, 'https://APP.test.'])(
    'allows nothing to %s',
    async (origin) => {
      const { headers } = await preflight(origin);
      expect(headers.get('access-control-allow-origin')).not.toBe(origin);
      expect(headers.get('access-control-allow-origin')).not.toBe('*');
    },
  );
});

describe('SECURITY.md', () => {
  it('sends people whose secret got out to operations that there are', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../../../SECURITY.md'), 'utf8');
    const named = [...text.matchAll(/`(GET|POST|DELETE) (\/v1\/[^`?]+)`/g)].map(([, method, path]) => `${String(method)} ${String(path)}`);
    expect(named.length).toBeGreaterThanOrEqual(5);
    const known = document.routes.map(({ method, path }) => `${method} ${path}`);
    expect(named.filter((operation) => !known.includes(operation))).toEqual([]);
  });
});
