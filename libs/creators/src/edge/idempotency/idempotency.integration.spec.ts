import { EventRelay, IdempotencyKeys, StorageUnavailable } from '@droppio/tips';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { aSignIn, aWallet, startTestApi, type Answer, type TestApi, type TestCreator } from '../../testing/index.js';

let api: TestApi;
let ada: TestCreator;
let keys = 0;

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'));
  ada = await api.aCreator();
});

afterAll(() => api.close());

const aKey = (): string => `key ${String((keys += 1))}`;
const post = (path: string, key: string, body: object = {}, token = ada.accessToken): Promise<Answer> =>
  api.call('POST', path, { token, body, headers: { 'idempotency-key': key } });
const anOverlay = (key: string, name = 'screen', token?: string): Promise<Answer> => post('/v1/overlays', key, { name }, token);
const overlaysOf = async ({ accessToken }: TestCreator): Promise<number> =>
  ((await api.call('GET', '/v1/overlays', { token: accessToken })).json as { data: unknown[] }).data.length;

describe('a POST with an Idempotency-Key', () => {
  it('is done once by a hundred at a time, and all who come later hear the same', async () => {
    const eve = await api.aCreator();
    const key = aKey();
    const answers = await Promise.all(Array.from({ length: 100 }, () => anOverlay(key, 'screen', eve.accessToken)));
    expect(await overlaysOf(eve)).toBe(2);
    const first = answers.filter(({ status, headers }) => status === 201 && headers.get('idempotency-replayed') === null);
    expect(first).toHaveLength(1);
    for (const { status, json, headers, text } of answers) {
      if (status === 201) expect(text).toBe(first[0]?.text);
      else {
        expect(json).toMatchObject({ status: 409, code: 'idempotency-key-in-use' });
        expect(headers.get('retry-after')).toBe('1');
      }
    }
    const again = await anOverlay(key, 'screen', eve.accessToken);
    expect(again).toMatchObject({ status: 201, text: first[0]?.text });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await overlaysOf(eve)).toBe(2);
  });

  it('repeats a refusal, with the name of the request that hears it', async () => {
    const key = aKey();
    const refused = await post('/v1/overlays', key, { name: 7 });
    const again = await post('/v1/overlays', key, { name: 7 });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(again.json).toEqual({ ...(refused.json as object), requestId: again.headers.get('x-request-id') });
    expect(again.json).toMatchObject({ status: 400, errors: [{ pointer: '/name' }] });
  });

  it('is refused when the key was for something else', async () => {
    const key = aKey();
    await anOverlay(key);
    for (const other of [await anOverlay(key, 'other'), await post(`/v1/overlays/${ada.overlayId}/test`, key, { name: 'screen' })]) {
      expect(other.json).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
    }
  });

  it('does not meet the key of another creator', async () => {
    const eve = await api.aCreator();
    const key = aKey();
    const [hers, mine] = [await anOverlay(key, 'screen', eve.accessToken), await anOverlay(key)];
    expect([hers.status, mine.status]).toEqual([201, 201]);
    expect(mine.headers.get('idempotency-replayed')).toBeNull();
    expect((mine.json as { id: string }).id).not.toBe((hers.json as { id: string }).id);
  });

  it('may be tried again after a fault of ours', async () => {
    const key = aKey();
    const before = await overlaysOf(ada);
    const relay = vi.spyOn(api.app.get(EventRelay, { strict: false }), 'drain').mockImplementationOnce(() => {
      throw new StorageUnavailable('away');
    });
    expect((await anOverlay(key)).status).toBe(503);
    relay.mockRestore();
    expect((await anOverlay(key)).status).toBe(201);
    expect(await overlaysOf(ada)).toBeGreaterThan(before);
  });

  it('is answered although its answer cannot be written down', async () => {
    const complete = vi.spyOn(api.app.get(IdempotencyKeys, { strict: false }), 'complete');
    complete.mockRejectedValueOnce(new StorageUnavailable('away'));
    const key = aKey();
    expect((await anOverlay(key)).status).toBe(201);
    complete.mockRestore();
    expect((await anOverlay(key)).json).toMatchObject({ status: 409, code: 'idempotency-key-in-use' });
  });

  it('keeps no answer with a secret, and is not done again either', async () => {
    const token = await post('/v1/tokens', 'one token', { name: 'x', scopes: ['read'] });
    expect(token.status).toBe(201);
    expect((await post('/v1/tokens', 'one token', { name: 'x', scopes: ['read'] })).json).toMatchObject({ code: 'answer-not-kept' });
    const rotate = `/v1/overlays/${ada.overlayId}/token/rotate`;
    const rotated = await post(rotate, 'one turn');
    expect((await post(rotate, 'one turn')).json).toMatchObject({ status: 409, code: 'answer-not-kept' });
    expect((await api.call('GET', `/v1/overlays/${ada.overlayId}/url`, { token: ada.accessToken })).json as object).toEqual(rotated.json);
    expect(((await api.call('GET', '/v1/tokens', { token: ada.accessToken })).json as { data: unknown[] }).data).toHaveLength(2);
    expect(JSON.stringify(await api.sql('SELECT k::text FROM idempotency_keys k'))).not.toMatch(/dro_(pat|ov)_|whsec_/);
  });

  it('is done again, and kept nowhere, where it changes nothing', async () => {
    const validate = (body: object): Promise<Answer> => post(`/v1/overlays/${ada.overlayId}/config/validate`, 'one try', body);
    const kept = () => api.sql('SELECT count(*) FROM idempotency_keys');
    const before = await kept();
    for (const motion of ['none', 'full']) {
      const { status, json, headers } = await validate({ schemaVersion: 1, motion });
      expect({ status, json }).toMatchObject({ status: 200, json: { config: { motion } } });
      expect(headers.get('idempotency-replayed')).toBeNull();
    }
    expect(await kept()).toEqual(before);
  });

  it.each([
    ['nothing', ''],
    ['more than 255 characters', 'x'.repeat(256)],
    ['other characters than ASCII', 'schl\u00fcssel'],
  ])('is refused when the key is %s', async (_what, key) => {
    expect((await anOverlay(key)).json).toMatchObject({ status: 400, errors: [{ in: 'header', pointer: '/Idempotency-Key' }] });
  });

  it('is as good as without where there is no creator to keep the key for', async () => {
    const nonce = await api.call('POST', '/v1/auth/siwe/nonce', { headers: { 'idempotency-key': 'x' } });
    const signIn = await api.call('POST', '/v1/auth/siwe/verify', {
      body: await aSignIn(api, aWallet()),
      headers: { 'idempotency-key': 'x' },
    });
    const body = { handle: 'keyed-by-nobody', displayName: 'x', wallets: [aWallet().address] };
    const operator = await post('/v1/creators', 'x', body, api.adminToken);
    const again = await post('/v1/creators', 'x', body, api.adminToken);
    expect([nonce, signIn, operator, again].map(({ status }) => status)).toEqual([201, 200, 201, 409]);
  });

  it('says nothing to who may not send it', async () => {
    const key = aKey();
    await anOverlay(key);
    expect((await anOverlay(key, 'screen', 'dro_pat_wrong')).status).toBe(401);
    const reader = await api.call('POST', '/v1/tokens', { token: ada.accessToken, body: { name: 'r', scopes: ['read'] } });
    expect((await anOverlay(key, 'screen', (reader.json as { accessToken: string }).accessToken)).json).toMatchObject({
      code: 'scope-missing',
    });
  });
});

describe('other methods', () => {
  it('know no keys', async () => {
    const headers = { 'idempotency-key': 'x' };
    expect((await api.call('GET', '/v1/me', { token: ada.accessToken, headers })).headers.get('idempotency-replayed')).toBeNull();
    expect((await api.call('GET', '/v1/me', { token: ada.accessToken, headers })).status).toBe(200);
  });
});
