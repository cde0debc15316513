import { DEFAULT_OVERLAY_CONFIG, TipLedger, type CreatorEvent } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startTestApi, type TestApi, type TestCreator } from '../testing/index.js';

let api: TestApi;
let ada: TestCreator;

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'));
  ada = await api.aCreator();
});

afterAll(() => api.close());

function eventsOf(creator: TestCreator): Promise<readonly CreatorEvent[]> {
  return api.app.get(TipLedger, { strict: false }).eventsAfter(creator.id, 0, 100);
}

describe('creators', () => {
  it('are registered by the operator and get a token that is stored as a hash only', async () => {
    const wallet = randomHex(20);
    const body = { handle: 'grace', displayName: '  Grace\u202e Hopper ', wallets: [wallet] };
    const { status, json, headers } = await api.call('POST', '/v1/creators', { token: api.adminToken, body });
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(json).toMatchObject({
      creator: { handle: 'grace', displayName: 'Grace Hopper', wallets: [wallet] },
      accessToken: expect.stringMatching(/^dro_pat_[\w-]{43}$/) as unknown,
    });
    const { accessToken } = json as { accessToken: string };
    const me = await api.call('GET', '/v1/me', { token: accessToken });
    expect(me.json).toMatchObject({ handle: 'grace', wallets: [wallet] });
    expect(me.text).not.toContain('token');
  });

  it('say how settled a tip must be before it plays', async () => {
    const { accessToken: token } = await api.aCreator();
    expect((await api.call('GET', '/v1/me', { token })).json).toMatchObject({ alertAfter: 1 });
    const { status, json } = await api.call('PATCH', '/v1/me', { token, body: { alertAfter: 12, displayName: ' Ada\u202e ' } });
    expect({ status, json }).toMatchObject({ status: 200, json: { alertAfter: 12, displayName: 'Ada' } });
    expect((await api.call('GET', '/v1/me', { token })).json).toEqual(json);
    for (const body of [{}, { alertAfter: 65 }, { alertAfter: -1 }, { alertAfter: 1.5 }, { id: 'other' }]) {
      expect((await api.call('PATCH', '/v1/me', { token, body })).status).toBe(400);
    }
  });

  it('cannot take a handle or a wallet of another', async () => {
    const wallet = randomHex(20);
    const make = (handle: string) =>
      api.call('POST', '/v1/creators', { token: api.adminToken, body: { handle, displayName: 'x', wallets: [wallet] } });
    expect((await make('first-one')).status).toBe(201);
    expect((await make('second-one')).json).toMatchObject({ status: 409, code: 'conflict' });
    expect((await make('first-one')).json).toMatchObject({ status: 409, code: 'conflict' });
  });
});

describe('overlays', () => {
  it('tell open pages of every change, in order, and relay it', async () => {
    const bea = await api.aCreator();
    const { overlayId, accessToken: token } = bea;
    api.relay.drained.length = 0;
    const path = `/v1/overlays/${overlayId}`;
    const config = { ...DEFAULT_OVERLAY_CONFIG, motion: 'none' };
    const put = await api.call('PUT', `${path}/config`, { token, body: config, headers: { 'if-match': '"v1"' } });
    expect(put.json).toEqual(config);
    const patched = await api.call('PATCH', path, { token, body: { enabled: false, name: 'x' } });
    expect(patched.json).toMatchObject({ configVersion: 2, enabled: false });
    expect((await api.call('POST', `${path}/token/rotate`, { token })).status).toBe(200);
    const test = await api.call('POST', `${path}/test`, { token, body: { name: 'Zoe', message: 'hi\u0000 there' } });
    expect(test.status).toBe(202);
    const events = await eventsOf(bea);
    expect(events.map(({ seq, type }) => `${String(seq)} ${type}`)).toEqual(['1 config', '2 config', '3 config', '4 config', '5 test']);
    expect(events[3]?.d).toMatchObject({ overlayId, version: 2, enabled: false, config });
    expect(events[4]).toMatchObject({ id: (test.json as { id: string }).id, d: { overlayId, name: 'Zoe', message: 'hi there' } });
    expect(api.relay.drained).toEqual([bea.id, bea.id, bea.id, bea.id]);
  });

  it('can be tried without a word', async () => {
    const { status } = await api.call('POST', `/v1/overlays/${ada.overlayId}/test`, { token: ada.accessToken });
    expect(status).toBe(202);
    expect((await eventsOf(ada)).at(-1)).toMatchObject({ type: 'test', d: { message: 'This is a test alert.' } });
  });

  it('have addresses whose token only this overlay’s version signs', async () => {
    const { overlayId, accessToken: token, id: creatorId } = await api.aCreator();
    const urls = async () =>
      (await api.call('GET', `/v1/overlays/${overlayId}/url`, { token })).json as { pageUrl: string; webSocketUrl: string };
    const before = await urls();
    expect(before).toEqual(await urls());
    expect(before.pageUrl).toMatch(/^https:\/\/tips\.test\/overlay\/#dro_ov_/);
    expect(before.webSocketUrl).toMatch(/^wss:\/\/tips\.test\/overlay\?token=dro_ov_/);
    const rotated = (await api.call('POST', `/v1/overlays/${overlayId}/token/rotate`, { token })).json;
    expect(rotated).not.toEqual(before);
    expect(rotated).toEqual(await urls());
    expect(api.tokens.verify(new URL((rotated as typeof before).pageUrl).hash.slice(1))).toEqual({ overlayId, creatorId, version: 2 });
  });

  it('are refused beyond what one account may have', async () => {
    const cy = await api.aCreator();
    const make = () => api.call('POST', '/v1/overlays', { token: cy.accessToken, body: { name: 'one more' } });
    for (let made = 1; made < 100; made += 1) expect((await make()).status).toBe(201);
    expect((await make()).json).toMatchObject({ status: 409, code: 'limit-reached' });
    expect((await api.call('GET', '/v1/overlays', { token: cy.accessToken })).json).toMatchObject({ data: { length: 100 } });
  });
});

describe('tips', () => {
  it('come in an empty page for a new creator', async () => {
    expect((await api.call('GET', '/v1/tips', { token: ada.accessToken })).json).toEqual({
      data: [],
      page: { next: null, hasMore: false },
    });
  });

  it.each(['bm9wZQ', 'a', Buffer.from('[1,2,"0x",3]').toString('base64url'), Buffer.from('[1e999,1,2,3]').toString('base64url')])(
    'refuse the made-up cursor %s',
    async (cursor) => {
      const answer = await api.call('GET', `/v1/tips?cursor=${cursor}`, { token: ada.accessToken });
      expect(answer.json).toMatchObject({ status: 400, code: 'invalid-cursor' });
    },
  );
});
