import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startTestApi, type Answer, type TestApi, type TestCreator } from '../testing/index.js';

let api: TestApi;
let ada: TestCreator;

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'));
  ada = await api.aCreator();
});

afterAll(() => api.close());

interface Made {
  readonly token: { readonly id: string; readonly scopes: string[]; readonly expiresAt: string | null };
  readonly accessToken: string;
}

const create = (body: object, token = ada.accessToken): Promise<Answer> =>
  api.call('POST', '/v1/tokens', { token, body: { name: 'a script', scopes: ['read'], ...body } });
const made = async (body: object, token?: string): Promise<Made> => (await create(body, token)).json as Made;
const inMinutes = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();

describe('access tokens', () => {
  it('show their secret once, and are listed without it', async () => {
    const { token, accessToken } = await made({ name: 'once', scopes: ['read', 'moderate'] });
    expect(accessToken).toMatch(/^dro_pat_[\w-]{43}$/);
    expect((await api.call('GET', '/v1/me', { token: accessToken })).status).toBe(200);
    const list = await api.call('GET', '/v1/tokens', { token: ada.accessToken });
    expect(list.text).not.toContain('dro_pat_');
    const { data } = list.json as { data: { id: string; name: string; lastUsedAt: string | null }[] };
    expect(data.find(({ id }) => id === token.id)).toMatchObject({ name: 'once', scopes: ['read', 'moderate'], expiresAt: null });
    expect(data.find(({ id }) => id === token.id)?.lastUsedAt).not.toBeNull();
    expect(data.map(({ name }) => name)).toContain('first token');
  });

  it('are refused at the next request after they are deleted, and never delete those of others', async () => {
    const { token, accessToken } = await made({});
    const eve = await api.aCreator();
    expect((await api.call('DELETE', `/v1/tokens/${token.id}`, { token: eve.accessToken })).status).toBe(404);
    expect((await api.call('GET', '/v1/me', { token: accessToken })).status).toBe(200);
    expect((await api.call('DELETE', `/v1/tokens/${token.id}`, { token: ada.accessToken })).status).toBe(204);
    expect((await api.call('GET', '/v1/me', { token: accessToken })).json).toMatchObject({ status: 401, code: 'unauthorized' });
    expect((await api.call('DELETE', `/v1/tokens/${token.id}`, { token: ada.accessToken })).status).toBe(404);
  });

  it('are refused at the next request after they expire', async () => {
    const { token, accessToken } = await made({ expiresAt: inMinutes(5) });
    expect((await api.call('GET', '/v1/me', { token: accessToken })).status).toBe(200);
    await api.sql('UPDATE access_tokens SET expires_at = now() WHERE id = $1', [token.id]);
    expect((await api.call('GET', '/v1/me', { token: accessToken })).status).toBe(401);
  });

  it('make none that may do more, or lives longer, than they do', async () => {
    const parent = await made({ scopes: ['account', 'read'], expiresAt: inMinutes(5) });
    expect((await create({ scopes: ['read', 'write'] }, parent.accessToken)).json).toMatchObject({ status: 403, code: 'scope-missing' });
    expect((await create({ expiresAt: inMinutes(6) }, parent.accessToken)).json).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await made({}, parent.accessToken)).token).toMatchObject({ scopes: ['read'], expiresAt: parent.token.expiresAt });
    const brief = inMinutes(2);
    expect((await made({ expiresAt: brief }, parent.accessToken)).token.expiresAt).toBe(brief);
    expect((await create({}, (await made({ scopes: ['read'] })).accessToken)).json).toMatchObject({ status: 403, code: 'scope-missing' });
  });

  it.each([
    [{ expiresAt: inMinutes(-1) }, '/expiresAt'],
    [{ expiresAt: 'tomorrow' }, '/expiresAt'],
    [{ expiresAt: '+275760-09-13T00:00:00Z' }, '/expiresAt'],
    [{ scopes: [] }, '/scopes'],
    [{ scopes: ['read', 'read'] }, '/scopes'],
    [{ scopes: ['root'] }, '/scopes/0'],
    [{ name: '\u202e' }, '/name'],
  ])('cannot be %j', async (body, pointer) => {
    expect((await create(body)).json).toMatchObject({ status: 400, errors: [{ in: 'body', pointer }] });
  });

  it('are at most fifty, also when many are made at once', async () => {
    const eve = await api.aCreator();
    const answers = await Promise.all(Array.from({ length: 60 }, () => create({}, eve.accessToken)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(49);
    expect(answers.find(({ status }) => status !== 201)?.json).toMatchObject({ status: 409, code: 'limit-reached' });
  });

  it('are stored as hashes only', async () => {
    const { accessToken } = await made({});
    const dump = JSON.stringify(await api.sql('SELECT t::text FROM access_tokens t'));
    expect(dump).not.toContain(accessToken.slice(8));
    expect(api.logger.text()).not.toContain(accessToken.slice(8));
  });
});
