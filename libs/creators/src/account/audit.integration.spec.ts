import { randomUUID } from 'node:crypto';
import { AuditTrail, StorageUnavailable } from '@droppio/tips';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { aWallet, readDocument, signIn, startTestApi, type ApiDocument, type TestApi, type TestCreator } from '../testing/index.js';
import type { AuditLogPage } from './audit.schema.js';

let api: TestApi;
let document: ApiDocument;
let me: TestCreator;

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'));
  document = readDocument((await api.call('GET', '/openapi.json')).json);
});
afterAll(async () => {
  await api.close();
});
beforeEach(async () => {
  me = await api.aCreator();
});

async function log(query = '', credentials: { token?: string; headers?: Record<string, string> } = { token: me.accessToken }, of = '') {
  const { status, json } = await api.call('GET', `/v1/audit${of}${query}`, credentials);
  expect(status).toBe(200);
  document.check(of === '' ? 'listAuditEntries' : 'listOperatorAuditEntries', status, json);
  return json as AuditLogPage;
}
const newest = async () => (await log('?limit=1')).data[0];

describe('the audit log', () => {
  it('tells of a change by the time it is answered: who, what, to which, from where', async () => {
    const { headers } = await api.call('PATCH', `/v1/overlays/${me.overlayId}`, { token: me.accessToken, body: { name: 'new name' } });
    const { data } = await log();
    expect(data[0]).toMatchObject({
      actor: { kind: 'token', id: expect.any(String) as string },
      operation: 'changeOverlay',
      targets: { id: me.overlayId },
      outcome: 'done',
      requestId: headers.get('x-request-id'),
      network: '127.0.0.0/24',
    });
    expect(JSON.stringify(data)).not.toContain('new name');
    expect(data.map(({ operation }) => operation)).toEqual(['changeOverlay', 'getOverlayUrl', 'createOverlay']);
    expect(data[2]?.targets).toEqual({ made: me.overlayId });
  });

  it('tells of what was refused, by the route or before it', async () => {
    const other = await api.aCreator();
    await api.call('PATCH', `/v1/overlays/${other.overlayId}`, { token: me.accessToken, body: { name: 'mine' } });
    expect(await newest()).toMatchObject({ outcome: 'refused', code: 'not-found', targets: { id: other.overlayId } });
    await api.call('PATCH', '/v1/me', { token: me.accessToken, body: {} });
    expect(await newest()).toMatchObject({ operation: 'changeMe', outcome: 'refused', code: 'invalid-request' });
    await api.call('POST', '/v1/creators', { token: me.accessToken, body: {} });
    expect(await newest()).toMatchObject({ operation: 'createCreator', outcome: 'refused', code: 'forbidden' });
    expect((await log('', { token: other.accessToken })).data).toHaveLength(2);
  });

  it('keeps nothing of the path but ids', async () => {
    await api.call('PATCH', `/v1/overlays/${me.overlayToken}`, { token: me.accessToken, body: { name: 'x' } });
    expect(await newest()).toMatchObject({ operation: 'changeOverlay', outcome: 'refused', targets: {} });
  });

  it('says nothing of reading, unless a secret was read', async () => {
    const before = (await log()).data;
    await api.call('GET', '/v1/me', { token: me.accessToken });
    await api.call('GET', '/v1/overlays', { token: me.accessToken });
    expect((await log()).data).toEqual(before);
    await api.call('GET', `/v1/overlays/${me.overlayId}/url`, { token: me.accessToken });
    expect(await newest()).toMatchObject({ operation: 'getOverlayUrl', targets: { id: me.overlayId } });
  });

  it('names the session, and tells of the sign-in itself', async () => {
    const { cookie } = await signIn(api, aWallet());
    const headers = { cookie, origin: 'https://app.test' };
    const sessions = (await api.call('GET', '/v1/auth/sessions', { headers })).json as { data: { id: string }[] };
    await api.call('PATCH', '/v1/me', { headers, body: { displayName: 'Signed in' } });
    const { data } = await log('', { headers });
    expect(data).toMatchObject([
      { actor: { kind: 'session', id: sessions.data[0]?.id }, operation: 'changeMe' },
      { actor: { kind: 'session' }, operation: 'signIn', outcome: 'done' },
    ]);
  });

  it('belongs to the operator for what the operator does', async () => {
    const { data } = await log('?operation=createCreator&limit=200', { token: api.adminToken }, '/operator');
    const made = data.find(({ targets }) => targets['made'] === me.id);
    expect(made).toMatchObject({ actor: { kind: 'operator' }, outcome: 'done' });
  });

  it('is written for nobody without valid credentials', async () => {
    const before = (await log('?limit=200', { token: api.adminToken }, '/operator')).data.length;
    await api.call('PATCH', '/v1/me', { body: { displayName: 'x' } });
    await api.call('PATCH', '/v1/me', { token: `dro_pat_${'a'.repeat(43)}`, body: { displayName: 'x' } });
    await api.call('POST', '/v1/auth/siwe/nonce');
    expect((await log('?limit=200', { token: api.adminToken }, '/operator')).data).toHaveLength(before);
  });

  it('filters by time, and refuses what is none', async () => {
    const from = (await newest())?.at ?? '';
    await api.call('PATCH', '/v1/me', { token: me.accessToken, body: { displayName: 'later' } });
    expect((await log(`?to=${from}`)).data.map(({ operation }) => operation)).not.toContain('changeMe');
    expect((await log(`?from=${from}`)).data[0]).toMatchObject({ operation: 'changeMe' });
    for (const query of ['?from=yesterday', '?operation=%27%3B--', '?limit=0', '?cursor=AAAA', '?what=x']) {
      expect((await api.call('GET', `/v1/audit${query}`, { token: me.accessToken })).status).toBe(400);
    }
  });

  it('never stands in the way of a change: a lost entry is an error in the log, and counted', async () => {
    const trail = api.app.get(AuditTrail, { strict: false });
    const note = vi.spyOn(trail, 'note').mockRejectedValue(new StorageUnavailable('gone'));
    api.logger.clear();
    const { status } = await api.call('PATCH', '/v1/me', {
      token: me.accessToken,
      body: { displayName: 'still changed' },
      headers: { 'x-request-id': randomUUID() },
    });
    const lost = note.mock.calls.flat();
    note.mockRestore();
    expect(status).toBe(200);
    expect((await api.call('GET', '/v1/me', { token: me.accessToken })).json).toMatchObject({ displayName: 'still changed' });
    expect(lost).toHaveLength(1);
    expect(api.logger.text()).toContain(`error 'audit.lost'`);
    expect(api.logger.text()).toContain(lost[0]?.requestId);
  });
});
