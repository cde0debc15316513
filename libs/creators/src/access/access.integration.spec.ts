import { randomUUID } from 'node:crypto';
import { randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { newAccessToken } from '../index.js';
import {
  aSignIn,
  aWallet,
  readDocument,
  SIGN_IN_ORIGIN,
  signIn,
  startTestApi,
  type Answer,
  type ApiDocument,
  type Route,
  type TestApi,
  type TestCreator,
} from '../testing/index.js';

/*
 * Who may do what. Every operation of the document must be in here: a route that nobody has thought about fails. `other` is a creator who
 * asks for the owner's things; where a route has no id in it, they get their own. `browser` is a session of the owner's, `foreign` the
 * same cookie sent along by another site's page.
 */
const ROLES = ['nobody', 'stranger', 'other', 'overlay', 'operator', 'foreign', 'browser', 'owner'] as const;
type Role = (typeof ROLES)[number];
type Answers = Readonly<Record<Role, number>>;

const closed = { nobody: 401, stranger: 401, overlay: 403, operator: 403 };
const read = (owner: number, other: number): Answers => ({ ...closed, owner, browser: owner, foreign: owner, other });
const change = (owner: number, other: number): Answers => ({ ...closed, owner, browser: owner, foreign: 403, other });
const anybody = (status: number): Answers => ({
  ...change(status, status),
  nobody: status,
  stranger: status,
  overlay: status,
  operator: status,
});

const EXPECTED: Readonly<Record<string, Answers>> = {
  createSignInNonce: { ...anybody(201), foreign: 201 },
  signIn: anybody(200),
  signOut: change(204, 204),
  listSessions: read(200, 200),
  endSession: change(204, 404),
  createCreator: { ...closed, operator: 201, owner: 403, browser: 403, foreign: 403, other: 403 },
  getMe: read(200, 200),
  changeMe: change(200, 200),
  createOverlay: change(201, 201),
  listOverlays: read(200, 200),
  getOverlay: read(200, 404),
  changeOverlay: change(200, 404),
  getOverlayUrl: read(200, 404),
  rotateOverlayToken: change(200, 404),
  sendTestAlert: change(202, 404),
  listTips: read(200, 200),
};

const api: TestApi = await startTestApi(inject('postgresUrl'));
const document: ApiDocument = readDocument((await api.call('GET', '/openapi.json')).json);
const wallet = aWallet();
let owner: TestCreator;
let other: TestCreator;

/** Bodies that would be accepted, so that a refusal is about the caller. */
const BODIES: Readonly<Record<string, () => unknown>> = {
  signIn: () => aSignIn(api, aWallet()),
  createCreator: () => ({ handle: `m-${randomHex(6).slice(2)}`, displayName: 'Someone', wallets: [randomHex(20)] }),
  changeMe: () => ({ alertAfter: 1 }),
  createOverlay: () => ({ name: 'another' }),
  changeOverlay: () => ({ name: 'taken over', enabled: true, config: { schemaVersion: 1, durationMs: 9000 } }),
  sendTestAlert: () => ({ message: 'hello' }),
};

beforeAll(async () => {
  owner = await api.aCreator(wallet.address);
  other = await api.aCreator();
});

afterAll(() => api.close());

async function credentials(role: Role): Promise<{ token?: string; headers?: Record<string, string> }> {
  switch (role) {
    case 'nobody':
      return {};
    case 'stranger':
      return { token: newAccessToken() };
    case 'owner':
      return { token: owner.accessToken };
    case 'other':
      return { token: other.accessToken };
    case 'operator':
      return { token: api.adminToken };
    case 'overlay': {
      // Asked for anew: an earlier test may have rotated it.
      const links = await api.call('GET', `/v1/overlays/${owner.overlayId}/url`, { token: owner.accessToken });
      return { token: new URL((links.json as { pageUrl: string }).pageUrl).hash.slice(1) };
    }
    case 'browser':
      return { headers: { cookie: (await signIn(api, wallet)).cookie, origin: SIGN_IN_ORIGIN } };
    case 'foreign':
      return { headers: { cookie: (await signIn(api, wallet)).cookie, origin: 'https://evil.test' } };
  }
}

/** Something of the owner's that the route could be about. */
async function idFor(route: Route): Promise<string> {
  if (!route.path.includes('/sessions/')) return owner.overlayId;
  await signIn(api, wallet);
  const { data } = (await api.call('GET', '/v1/auth/sessions', { token: owner.accessToken })).json as { data: { id: string }[] };
  return data[0]?.id ?? randomUUID();
}

async function ask(route: Route, role: Role, id?: string): Promise<Answer> {
  const body = await BODIES[route.operationId]?.();
  const path = route.path.includes('{id}') ? route.path.replace('{id}', id ?? (await idFor(route))) : route.path;
  return api.call(route.method, path, { ...(await credentials(role)), ...(body === undefined ? {} : { body }) });
}

const aboutOne = document.routes.filter(({ path }) => path.includes('{id}'));

describe('the document', () => {
  it('lists every route that the server has, and no other', () => {
    const served = routesOf(api.app.getHttpAdapter().getInstance());
    const listed = document.routes.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
    expect(listed.sort()).toEqual(served.filter((route) => route.includes(' /v1')).sort());
  });

  it('names every operation once', () => {
    expect(new Set(document.routes.map(({ operationId }) => operationId)).size).toBe(document.routes.length);
  });

  it('says which routes are open to everybody', () => {
    const open = document.routes.filter(({ operation }) => operation.security?.some((rule) => Object.keys(rule).length === 0) === true);
    expect(open.map(({ operationId }) => operationId)).toEqual(['createSignInNonce', 'signIn']);
  });
});

describe.each(document.routes.map((route) => [route.operationId, route] as const))('%s', (operationId, route) => {
  const expected = EXPECTED[operationId];

  it('has somebody who may and somebody who may not', () => {
    expect(expected, 'say in EXPECTED who may call this route').toBeDefined();
  });

  it.each(ROLES)('answers %s as it should', async (role) => {
    const answer = await ask(route, role);
    expect(answer.status, answer.text).toBe(expected?.[role]);
    document.check(operationId, answer.status, answer.json);
    expect(answer.headers.get('www-authenticate')).toBe(answer.status === 401 ? 'Bearer' : null);
  });

  it('is closed to whatever looks like a token and is none, unless it is open to all', async () => {
    for (const token of ['secret', `dro_ov_${'A'.repeat(92)}`, 'dro_pat_']) {
      const body = await BODIES[operationId]?.();
      const path = route.path.replace('{id}', owner.overlayId);
      const answer = await api.call(route.method, path, { token, ...(body === undefined ? {} : { body }) });
      expect(answer.status).toBe(expected?.nobody);
    }
  });
});

describe('what belongs to another', () => {
  it.each(aboutOne.map((route) => [route.operationId, route] as const))(
    'looks to %s the same as what does not exist',
    async (_id, route) => {
      const theirs = await ask(route, 'other');
      const missing = await ask(route, 'other', randomUUID());
      const whoever = { instance: '', requestId: '' };
      expect({ ...(theirs.json as object), ...whoever }).toEqual({ ...(missing.json as object), ...whoever });
    },
  );

  it('stays as it was', async () => {
    const before = await api.call('GET', `/v1/overlays/${owner.overlayId}`, { token: owner.accessToken });
    for (const route of aboutOne) await ask(route, 'other');
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
