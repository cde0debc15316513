import { randomUUID } from 'node:crypto';
import { randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { newAccessToken } from './index.js';
import { readDocument, startTestApi, type ApiDocument, type Route, type TestApi, type TestCreator } from './testing/index.js';

/*
 * Who may do what. Every operation of the document must be in here: a route that nobody has thought about fails. `other` is a creator who
 * asks for the owner's things; where a route has no id in it, they get their own.
 */
type Answers = Readonly<Record<'owner' | 'other' | 'operator' | 'overlay', number>>;
const OF_CREATORS = { operator: 403, overlay: 403 };
const EXPECTED: Readonly<Record<string, Answers>> = {
  createCreator: { operator: 201, owner: 403, other: 403, overlay: 403 },
  getMe: { owner: 200, other: 200, ...OF_CREATORS },
  createOverlay: { owner: 201, other: 201, ...OF_CREATORS },
  listOverlays: { owner: 200, other: 200, ...OF_CREATORS },
  getOverlay: { owner: 200, other: 404, ...OF_CREATORS },
  changeOverlay: { owner: 200, other: 404, ...OF_CREATORS },
  getOverlayUrl: { owner: 200, other: 404, ...OF_CREATORS },
  rotateOverlayToken: { owner: 200, other: 404, ...OF_CREATORS },
  sendTestAlert: { owner: 202, other: 404, ...OF_CREATORS },
  listTips: { owner: 200, other: 200, ...OF_CREATORS },
};
/** Bodies that would be accepted, so that a refusal is about the caller. */
const BODIES: Readonly<Record<string, () => unknown>> = {
  createCreator: () => ({ handle: `m-${randomHex(6).slice(2)}`, displayName: 'Someone', wallets: [randomHex(20)] }),
  createOverlay: () => ({ name: 'another' }),
  changeOverlay: () => ({ name: 'taken over', enabled: true, config: { schemaVersion: 1, durationMs: 9000 } }),
  sendTestAlert: () => ({ message: 'hello' }),
};

const api: TestApi = await startTestApi(inject('postgresUrl'));
const document: ApiDocument = readDocument((await api.call('GET', '/openapi.json')).json);
let owner: TestCreator;
let other: TestCreator;

beforeAll(async () => {
  owner = await api.aCreator();
  other = await api.aCreator();
});

afterAll(() => api.close());

async function ask(route: Route, token: string | undefined, id = owner.overlayId) {
  const path = route.path.replace('{id}', id);
  const body = BODIES[route.operationId]?.();
  return api.call(route.method, path, { ...(token === undefined ? {} : { token }), ...(body === undefined ? {} : { body }) });
}

describe('the document', () => {
  it('lists every route that the server has, and no other', () => {
    const served = routesOf(api.app.getHttpAdapter().getInstance());
    const listed = document.routes.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
    expect(listed.sort()).toEqual(served.filter((route) => route.includes(' /v1')).sort());
  });

  it('names every operation once', () => {
    expect(new Set(document.routes.map(({ operationId }) => operationId)).size).toBe(document.routes.length);
  });
});

describe.each(document.routes.map((route) => [route.operationId, route] as const))('%s', (operationId, route) => {
  const expected = EXPECTED[operationId];

  it('has somebody who may and somebody who may not', () => {
    expect(expected, 'say in EXPECTED who may call this route').toBeDefined();
  });

  it.each([
    ['nobody', undefined],
    ['an unknown token', newAccessToken()],
    ['a token of another shape', 'secret'],
    ['an overlay token of another key', `dro_ov_${'A'.repeat(92)}`],
  ])('is closed to %s', async (_who, token) => {
    const answer = await ask(route, token);
    expect(answer.json).toMatchObject({ status: 401, code: 'unauthorized' });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  it.each(['other', 'overlay', 'operator', 'owner'] as const)('answers the %s as it should', async (role) => {
    // Whoever asked before may have rotated it.
    const { pageUrl } = (await api.call('GET', `/v1/overlays/${owner.overlayId}/url`, { token: owner.accessToken })).json as {
      pageUrl: string;
    };
    const overlay = new URL(pageUrl).hash.slice(1);
    const token = { owner: owner.accessToken, other: other.accessToken, operator: api.adminToken, overlay }[role];
    const answer = await ask(route, token);
    expect(answer.status).toBe(expected?.[role]);
    document.check(operationId, answer.status, answer.json);
  });
});

describe('what belongs to another', () => {
  it('looks the same as what does not exist', async () => {
    for (const route of document.routes.filter(({ path }) => path.includes('{id}'))) {
      const theirs = await ask(route, other.accessToken);
      const missing = await ask(route, other.accessToken, randomUUID());
      const anonymous = { instance: '', requestId: '' };
      expect({ ...(theirs.json as object), ...anonymous }).toEqual({ ...(missing.json as object), ...anonymous });
    }
  });

  it('stays as it was', async () => {
    const before = await api.call('GET', `/v1/overlays/${owner.overlayId}`, { token: owner.accessToken });
    for (const route of document.routes.filter(({ path }) => path.includes('{id}'))) await ask(route, other.accessToken);
    const after = await api.call('GET', `/v1/overlays/${owner.overlayId}`, { token: owner.accessToken });
    expect(after.json).toEqual(before.json);
  });
});

describe('an overlay token', () => {
  it('is nobody after its rotation', async () => {
    const { overlayToken, overlayId, accessToken } = await api.aCreator();
    expect((await api.call('GET', '/v1/me', { token: overlayToken })).status).toBe(403);
    await api.call('POST', `/v1/overlays/${overlayId}/token/rotate`, { token: accessToken });
    expect((await api.call('GET', '/v1/me', { token: overlayToken })).status).toBe(401);
  });
});

/** What Express would answer, from its own table. */
function routesOf(express: unknown): string[] {
  const { router } = express as { router: { stack: { route?: { path: string; methods: Record<string, boolean> } }[] } };
  return router.stack.flatMap(({ route }) =>
    route === undefined ? [] : Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`),
  );
}
