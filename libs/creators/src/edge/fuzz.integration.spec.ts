import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ROUTES, type Scene } from '../testing/routes/index.js';
import {
  aWallet,
  readDocument,
  startTestApi,
  type Answer,
  type ApiDocument,
  type Route,
  type TestApi,
  type TestCreator,
} from '../testing/index.js';

const api: TestApi = await startTestApi(inject('postgresUrl'));
const document: ApiDocument = readDocument((await api.call('GET', '/openapi.json')).json);
const cleanPrototype = Object.getOwnPropertyNames(Object.prototype).sort();
const wallet = aWallet();
let ada: TestCreator;
let scene: Scene;

beforeAll(async () => {
  ada = await api.aCreator(wallet.address);
  scene = { api, wallet, owner: ada, other: await api.aCreator() };
});

afterAll(() => api.close());

const RUNS = 40;
const tokenFor = ({ operation }: Route): string =>
  operation.security?.some((rule) => 'operator' in rule) === true ? api.adminToken : ada.accessToken;
/** The address of something that is there, as the table of routes makes it. */
async function pathOf({ operationId, path }: Route): Promise<string> {
  const given = (await ROUTES[operationId]?.params?.(scene)) ?? { id: ada.overlayId };
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => given[name] ?? 'unnamed');
}
const headersOf = async ({ operationId }: Route): Promise<Record<string, string>> => (await ROUTES[operationId]?.headers?.(scene)) ?? {};

function judge({ operationId }: Route, answer: Answer): void {
  expect(answer.status, answer.text).toBeLessThan(500);
  document.check(operationId, answer.status, answer.json);
}

/** JSON that comes near a real body: the right names, the wrong values, and words that have hurt others. */
const nasty = fc.oneof(
  fc.constantFrom(
    '\u0000',
    '\ud800',
    '__proto__',
    'constructor',
    '1e309',
    '-0',
    '9'.repeat(400),
    '\u202e',
    "'; DROP TABLE tips;--",
    '\u0301'.repeat(500),
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.double(),
);
const near = (names: string[]) => fc.dictionary(fc.constantFrom(...names, 'extra', 'id', 'creatorId', 'version'), nasty);

const withBody = document.routes.filter(({ operation }) => operation.requestBody !== undefined);

describe.each(withBody.map((route) => [route.operationId, route] as const))('any body of %s', (_operationId, route) => {
  const { properties } = (route.operation.requestBody?.content?.['application/json']?.schema ?? {}) as {
    properties?: Record<string, unknown>;
  };

  it('is answered, never with a fault of ours', async () => {
    const [path, headers, valid] = [await pathOf(route), await headersOf(route), await ROUTES[route.operationId]?.body?.(scene)];
    const bent = fc
      .tuple(fc.constantFrom(...Object.keys(properties ?? { x: 1 })), nasty)
      .map(([name, value]) => ({ ...(valid as object), [name]: value }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(near(Object.keys(properties ?? {})), bent, fc.jsonValue(), nasty), async (value) => {
        const body = JSON.stringify(value) as string | undefined;
        judge(route, await api.call(route.method, path, { token: tokenFor(route), headers, body: body ?? '' }));
      }),
      { numRuns: RUNS },
    );
  });

  it('may be no JSON at all', async () => {
    const [path, headers] = [await pathOf(route), await headersOf(route)];
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (body) => {
        judge(route, await api.call(route.method, path, { token: tokenFor(route), headers, body }));
      }),
      { numRuns: RUNS / 4 },
    );
  });

  it.each([
    ['a key twice', '{"name":"a","name":{"b":1},"name":null}'],
    ['numbers beyond all bounds', '{"name":1e400,"limit":-1e400,"amount":99999999999999999999999999999999999999999}'],
    ['arrays in arrays', `{"name":${'['.repeat(12)}${']'.repeat(12)}}`],
    ['a prototype', '{"name":{"__proto__":{"polluted":true}}}'],
    ['a constructor', '{"constructor":{"prototype":{"polluted":true}}}'],
  ])('may have %s', async (_what, body) => {
    judge(route, await api.call(route.method, await pathOf(route), { token: tokenFor(route), headers: await headersOf(route), body }));
  });
});

describe.each(document.routes.map((route) => [route.operationId, route] as const))('any address of %s', (_operationId, route) => {
  it('is answered, never with a fault of ours', async () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('..', '%', '%00', '__proto__', 'null', '0', '-1', ada.overlayId.toUpperCase()),
    );
    await fc.assert(
      fc.asyncProperty(
        word,
        fc.dictionary(fc.constantFrom('limit', 'cursor', 'x', '__proto__', 'constructor'), word),
        async (id, query) => {
          const search = new URLSearchParams(query);
          const path = `${route.path.replaceAll(/\{\w+\}/g, encodeURIComponent(id))}?${search.toString()}`;
          const answer = await api.call(route.method, path, { token: tokenFor(route) });
          expect(answer.status, `${path} ${answer.text}`).toBeLessThan(500);
        },
      ),
      { numRuns: RUNS / 2 },
    );
  });
});

describe('afterwards', () => {
  it('no object has learned a new property', () => {
    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(cleanPrototype);
  });

  it('nothing was logged as a fault', () => {
    expect(api.logger.text()).not.toMatch(/^(error|fatal|warn) /m);
  });
});
