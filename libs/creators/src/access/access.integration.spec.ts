import { randomUUID } from 'node:crypto';
import type { Scope } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { credentialsOf, expectedOf, ROLES, securityOf, type MatrixRole, type Shown } from '../testing/route-matrix.js';
import { ROUTES, type RouteRow, type Scene } from '../testing/routes/index.js';
import { aWallet, readDocument, startTestApi, type Answer, type ApiDocument, type Route, type TestApi } from '../testing/index.js';

/* Who may do what: every operation of the document by every role, as `testing/routes` says. */

const api: TestApi = await startTestApi(inject('postgresUrl'));
const document: ApiDocument = readDocument((await api.call('GET', '/openapi.json')).json);
const rows = document.routes.flatMap((route) => {
  const row = ROUTES[route.operationId];
  return row === undefined ? [] : [[route.operationId, { route, row }] as const];
});

afterAll(() => api.close());

type Credentials = (role: MatrixRole) => Promise<Shown>;
type Stage = Scene & { readonly credentials: Credentials };

/** Two creators, and credentials of each role that are made once. */
async function aStage(): Promise<Stage> {
  const wallet = aWallet();
  const scene = { api, wallet, owner: await api.aCreator(wallet.address), other: await api.aCreator() };
  const made = new Map<MatrixRole, Promise<Shown>>();
  const credentials: Credentials = (role) => {
    const shown = made.get(role) ?? credentialsOf(role, scene);
    made.set(role, shown);
    return shown;
  };
  return { ...scene, credentials };
}

const shared = await aStage();

/** Of the same shape, and nobody's. */
function unlike(id: string): string {
  return /^[0-9a-f-]{36}$/.test(id) ? randomUUID() : id.replace(/0x[0-9a-fA-F]+/, (hex) => randomHex((hex.length - 2) / 2));
}

interface Question {
  readonly route: Route;
  readonly row: RouteRow;
}

/** Something of the owner's, unless it is to be something that is not there. */
async function pathOf({ route, row }: Question, scene: Stage, isMissing = false): Promise<string> {
  const given = (await row.params?.(scene)) ?? { id: scene.owner.overlayId };
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    isMissing ? unlike(given[name] ?? '') : (given[name] ?? 'unnamed'),
  );
  return row.query === undefined ? path : `${path}?${row.query}`;
}

async function ask(question: Question, role: MatrixRole, scene: Stage, isMissing = false): Promise<Answer> {
  const { route, row } = question;
  const path = await pathOf(question, scene, isMissing);
  const body = await row.body?.(scene);
  const { token, headers } = await scene.credentials(role);
  return api.call(route.method, path, {
    headers: { ...(await row.headers?.(scene)), ...headers },
    ...(token === undefined ? {} : { token }),
    ...(body === undefined ? {} : { body }),
  });
}

describe('the document', () => {
  it('lists every route that the server has, and no other', () => {
    const served = routesOf(api.app.getHttpAdapter().getInstance());
    const listed = document.routes.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
    expect(listed.sort()).toEqual(served.filter((route) => / \/(v1|overlay)\b/.test(route)).sort());
  });

  it('names every operation once', () => {
    expect(new Set(document.routes.map(({ operationId }) => operationId)).size).toBe(document.routes.length);
  });

  it('has no operation of which nobody has said who may call it', () => {
    const unnamed = document.routes.filter(({ operationId }) => ROUTES[operationId] === undefined);
    const sentences = unnamed.map(
      ({ operationId, method, path }) => `${operationId} (${method} ${path}) has no row: say in libs/creators/src/testing/routes who may.`,
    );
    expect(sentences).toEqual([]);
  });

  it('has every operation that is named', () => {
    const known = new Set(document.routes.map(({ operationId }) => operationId));
    expect(Object.keys(ROUTES).filter((operationId) => !known.has(operationId))).toEqual([]);
  });
});

describe('a moderator', () => {
  const may = (scope: Scope) =>
    Object.keys(ROUTES)
      .filter((operationId) => ROUTES[operationId]?.scope === scope)
      .sort();

  it('decides about alerts and what is on the screen, and changes nothing else', () => {
    expect(may('moderate')).toEqual([
      'approveAlert',
      'clearAlerts',
      'hideAlertMessage',
      'rejectAlert',
      'replayAlert',
      'setQueue',
      'skipAlert',
    ]);
  });

  it.each(['/v1/webhooks', '/v1/tokens', '/v1/auth/sessions', '/v1/audit', '/v1/me/export'])('does not even look at %s', (path) => {
    const readable = rows.filter(([, { route, row }]) => route.path.startsWith(path) && row.scope !== 'account' && route.method === 'GET');
    expect(readable.filter(([, { row }]) => row.who === 'creators').map(([operationId]) => operationId)).toEqual([]);
  });
});

describe.each(rows)('%s', (operationId, question) => {
  const { route, row } = question;
  let stage = shared;

  beforeAll(async () => {
    if (row.ends === true) stage = await aStage();
  });

  it('says in the document who may call it', () => {
    expect(route.operation.security).toEqual(securityOf(row));
  });

  it.each(ROLES)('answers %s as it should', async (role) => {
    const expected = expectedOf(row, route, role);
    const answer = await ask(question, role, stage);
    expect(answer.status, answer.text).toBe(expected.status);
    if (expected.code !== undefined) expect(answer.json).toMatchObject({ code: expected.code });
    document.check(operationId, answer.status, answer.json);
    expect(answer.headers.get('www-authenticate')).toBe(answer.status === 401 ? 'Bearer' : null);
    if (row.ends === true && answer.status < 300) stage = await aStage();
  });

  it('is closed to whatever looks like a token and is none, unless it is open to all', async () => {
    for (const token of ['secret', `dro_ov_${'A'.repeat(92)}`, 'dro_pat_']) {
      const body = await row.body?.(stage);
      const answer = await api.call(route.method, await pathOf(question, stage), { token, ...(body === undefined ? {} : { body }) });
      expect(answer.status).toBe(expectedOf(row, route, 'stranger').status);
    }
  });
});

const aboutOne = rows.filter(([, { route, row }]) => route.path.includes('{') && row.who === 'creators' && row.other === undefined);

describe('what belongs to another', () => {
  const scene = shared;

  it.each(aboutOne)('looks to %s the same as what does not exist', async (_id, question) => {
    const theirs = await ask(question, 'other', scene);
    const missing = await ask(question, 'other', scene, true);
    const whoever = { instance: '', requestId: '' };
    expect({ ...(theirs.json as object), ...whoever }).toEqual({ ...(missing.json as object), ...whoever });
  });

  it('stays as it was', async () => {
    const before = await api.call('GET', `/v1/overlays/${scene.owner.overlayId}`, { token: scene.owner.accessToken });
    for (const [, question] of aboutOne) await ask(question, 'other', scene);
    const after = await api.call('GET', `/v1/overlays/${scene.owner.overlayId}`, { token: scene.owner.accessToken });
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
