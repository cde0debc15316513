import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import * as z from 'zod';
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
/** Every statement that goes to Postgres from here on, as text; its values travel beside it. */
const asked = vi.spyOn(Client.prototype, 'query');
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

/** Values that some parameter takes for right, and their neighbours: what is plainly wrong never gets as far as a statement. */
const SHAPES = [
  ...['', '0', '1', '-1', '1.5', '1e3', '200', '9007199254740993', '9223372036854775808', '9'.repeat(79), 'true', 'false'],
  ...['2026-11-01', '2026-11-30', '2026-02-30', '0001-01-01', '9999-12-31', '1970-01-01', '1969-12-31'],
  ...['2026-11-01T00:00:00Z', '2026-11-01T00:00:00.123456789+14:00', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'],
  ...['+275760-09-13T00:00:00Z', '-000001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '2026-11-01T24:00:00Z'],
  ...['UTC', 'Europe/Berlin', 'US/Pacific', 'Pacific/Apia', 'Etc/GMT+12', 'PST', 'AET', 'america/new_york', '+05:30'],
  ...['0x0000000000000000000000000000000000000000', `0x${'aB'.repeat(20)}`, `1-0x${'00'.repeat(32)}-0`, 'epoch.1', 'epoch.999999999999999'],
];
const HOSTILE = ['..', '%', '%00', '__proto__', 'null', '0', '-1', '00000000-0000-0000-0000-000000000000'];

/** Every word that a schema names. */
function wordsOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]: [string, unknown]) =>
    key === 'enum' && Array.isArray(value) ? value.map(String) : wordsOf(value),
  );
}

/** Cursors of real pages, since nobody makes one up. */
async function cursorsOf({ accessToken: token }: TestCreator): Promise<string[]> {
  const pages = ['/v1/tips?limit=1', '/v1/alerts?state=shown&limit=1', '/v1/audit?limit=1'];
  const answers = await Promise.all(pages.map((path) => api.call('GET', path, { token })));
  const next = answers.map(({ json }) => (json as { page?: { next?: string | null } }).page?.next ?? '');
  return next.flatMap((cursor) => [cursor, `${cursor.slice(0, -1)}A`, cursor.slice(1)]);
}

async function aScene(): Promise<Scene> {
  const own = aWallet();
  return { api, wallet: own, owner: await api.aCreator(own.address), other: ada };
}

type Ask = (path: string, query: URLSearchParams, headers?: Record<string, string>) => Promise<Answer>;

/** How the route is asked as it should be: by whom, with which body, about what. */
async function askerOf(route: Route, stage: Scene): Promise<{ real: string; ask: Ask }> {
  const row = ROUTES[route.operationId];
  const tokens = { operator: api.adminToken, overlay: stage.owner.overlayToken };
  const token = row?.who === 'operator' || row?.who === 'overlay' ? tokens[row.who] : stage.owner.accessToken;
  const [body, headers, ids] = [await row?.body?.(stage), await row?.headers?.(stage), await row?.params?.(stage)];
  return {
    real: route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (ids ?? { id: stage.owner.overlayId })[name] ?? 'unnamed'),
    ask: (path, query, more) =>
      api.call(route.method, `${path}?${query.toString()}`, {
        token,
        headers: { ...headers, ...more },
        ...(body !== undefined && { body }),
      }),
  };
}

describe.each(document.routes.map((route) => [route.operationId, route] as const))('any address of %s', (operationId, route) => {
  const row = ROUTES[operationId];
  const parameters = route.operation.parameters.filter((parameter) => parameter.in === 'query');
  const names = parameters.map(({ name }) => name);

  it('is answered, never with a fault of ours; and as it should be when it is asked as it should be', async () => {
    const stage = await aScene();
    const { real, ask } = await askerOf(route, stage);

    const first = await ask(real, new URLSearchParams(row?.query));
    expect(first.status, first.text).toBe(row?.ok);
    judge(route, first);

    const value = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...SHAPES, ...parameters.flatMap(({ schema }) => wordsOf(schema))) },
      { weight: 1, arbitrary: fc.constantFrom(...(names.includes('cursor') ? await cursorsOf(stage.owner) : ['x'])) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    );
    const name = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...names, 'limit') }, fc.constantFrom('x', '__proto__', 'constructor'));
    const bent = fc.array(fc.tuple(name, value, fc.boolean()), { maxLength: 3 });
    const header = fc.dictionary(fc.constantFrom('if-match', 'idempotency-key', 'x-request-id'), fc.stringMatching(/^[ -~]{1,40}$/), {
      maxKeys: 1,
    });
    const id = fc.option(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE)), { freq: 4, nil: undefined });
    await fc.assert(
      fc.asyncProperty(id, bent, header, async (word, pairs, more) => {
        const query = new URLSearchParams(row?.query);
        for (const [key, text, isTwice] of pairs) query[isTwice ? 'append' : 'set'](key, text);
        // What may end its caller has no second caller: only its address is tried again.
        const hostile = word ?? (row?.ends === true ? 'x' : undefined);
        const path = hostile === undefined ? real : route.path.replaceAll(/\{\w+\}/g, encodeURIComponent(hostile));
        const answer = await ask(path, query, more);
        if (hostile === undefined) judge(route, answer);
        else expect(answer.status, `${path}?${query.toString()} ${answer.text}`).toBeLessThan(500);
      }),
      { numRuns: names.length === 0 ? RUNS / 8 : RUNS * 0.75 },
    );
  });
});

const Statement = z.union([z.string(), z.object({ text: z.string() }).transform(({ text }) => text)]);

describe('afterwards', () => {
  it('no statement holds a word of anybody: values are parameters', () => {
    const statements = new Set(asked.mock.calls.map(([statement]) => Statement.parse(statement)));
    expect(statements.size).toBeGreaterThan(50);
    // Ids and wallets but for those of nobody, and what was sent as a value that could be right.
    const signs = [
      /(?!0{8}-)[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/i,
      /(?!0{40})[\da-f]{40}/i,
      /; DROP TABLE tips/,
      /2026-11-01/,
      /Europe\/Berlin/,
      /9{79}/,
    ];
    const found = [...statements].filter((text) => signs.some((sign) => sign.test(text)));
    expect(found).toEqual([]);
  });

  it('no object has learned a new property', () => {
    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(cleanPrototype);
  });

  it('nothing was logged as a fault', () => {
    expect(api.logger.text()).not.toMatch(/^(error|fatal|warn) /m);
  });
});
