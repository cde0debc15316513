import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { newAccessToken } from '../../index.js';
import { SIGN_IN_ORIGIN, aSignIn, aWallet, signIn, startTestApi, type Answer, type TestApi } from '../../testing/index.js';
import type { RateLimits } from './rate-limits.js';

const LIMITS: RateLimits = {
  caller: 6,
  creator: 9,
  overlay: 4,
  address: 5,
  signIn: 3,
  testAlert: 2,
  settings: 3,
  stats: 2,
  upload: 2,
  media: 3,
  failures: 10,
};
let api: TestApi;
let calm: TestApi;
let host = 150;

beforeAll(async () => {
  // Addresses are what a proxy says: each test gets its own.
  api = await startTestApi(inject('postgresUrl'), { rates: LIMITS, http: { trustedProxies: ['loopback'] } });
  calm = await startTestApi(inject('postgresUrl'));
});

afterAll(async () => {
  await api.close();
  await calm.close();
});

const from = (ip: string): Record<string, string> => ({ 'x-forwarded-for': ip });
const times = async (count: number, ask: () => Promise<Answer>): Promise<Answer[]> => {
  const answers: Answer[] = [];
  for (let n = 0; n < count; n += 1) answers.push(await ask());
  return answers;
};
const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);

interface Credentials {
  readonly id: string;
  readonly accessToken: string;
  readonly overlayId: string;
}

/** Made without using up anything of their own. */
async function aFreshCreator(): Promise<Credentials> {
  const made = await api.call('POST', '/v1/creators', {
    token: api.adminToken,
    body: {
      handle: `r-${newAccessToken()
        .slice(8, 16)
        .toLowerCase()
        .replaceAll(/[^a-z0-9]/g, 'x')}`,
      displayName: 'x',
      wallets: [aWallet().address],
    },
  });
  const { creator, accessToken } = made.json as { creator: { id: string }; accessToken: string };
  const overlay = await api.call('POST', '/v1/overlays', { token: accessToken, body: { name: 'x' } });
  return { id: creator.id, accessToken, overlayId: (overlay.json as { id: string }).id };
}

async function readerOf(token: string): Promise<string> {
  const made = await api.call('POST', '/v1/tokens', { token, body: { name: 'reader', scopes: ['read'] } });
  return (made.json as { accessToken: string }).accessToken;
}

describe('requests of a creator', () => {
  it('are counted per token and per creator, and told how many are left', async () => {
    const { accessToken } = await aFreshCreator();
    const me = (token: string): Promise<Answer> => api.call('GET', '/v1/me', { token });
    const made = await api.call('POST', '/v1/tokens', { token: accessToken, body: { name: 'second', scopes: ['read'] } });
    const { accessToken: second } = made.json as { accessToken: string };
    const [third, fourth, fifth, sixth, over] = await times(5, () => me(accessToken));
    expect(statuses([third, fourth, fifth, sixth, over].filter((answer) => answer !== undefined))).toEqual([200, 200, 200, 200, 429]);
    expect(sixth?.headers.get('ratelimit-policy')).toBe('"caller";q=6;w=60, "creator";q=9;w=60');
    expect(sixth?.headers.get('ratelimit')).toMatch(/^"caller";r=0;t=\d+, "creator";r=3;t=\d+$/);
    expect(sixth?.headers.get('retry-after')).toBeNull();
    expect(over?.json).toMatchObject({ status: 429, code: 'rate-limited', detail: 'More than 6 requests a minute (caller).' });
    expect(over?.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(over?.headers.get('ratelimit')).toMatch(/^"caller";r=0;t=\d+$/);
    const retryAfter = Number(over?.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(60);
    // Another token of the same creator has a budget of its own, but not beyond that of the creator.
    expect(statuses(await times(4, () => me(second)))).toEqual([200, 200, 200, 429]);
    expect((await me(second)).json).toMatchObject({ detail: 'More than 9 requests a minute (creator).' });
    // Nobody else pays for it.
    expect((await me((await aFreshCreator()).accessToken)).status).toBe(200);
  });

  it('are counted per session, whichever address they come from', async () => {
    const wallet = aWallet();
    const { cookie } = await signIn(api, wallet);
    let host = 0;
    const me = (): Promise<Answer> =>
      api.call('GET', '/v1/me', { headers: { cookie, origin: SIGN_IN_ORIGIN, ...from(`198.51.100.${String((host += 1))}`) } });
    expect(statuses(await times(7, me))).toEqual([200, 200, 200, 200, 200, 200, 429]);
  });

  it('are counted when they are refused, and written down no more often than that', async () => {
    const { id, accessToken } = await aFreshCreator();
    const reader = await readerOf(accessToken);
    const { cookie } = await signIn(api, aWallet());
    const foreign = { cookie, origin: 'https://evil.test' };
    for (const credentials of [{ token: reader }, { headers: foreign }]) {
      const answers = await times(8, () => api.call('PATCH', '/v1/me', { ...credentials, body: { listed: true } }));
      expect(statuses(answers)).toEqual([403, 403, 403, 403, 403, 403, 429, 429]);
    }
    const refusals = `SELECT count(*)::int AS refused FROM audit_entries WHERE creator_id = $1 AND outcome = 'refused'`;
    expect(await api.sql(refusals, [id])).toEqual([{ refused: 6 }]);
  });

  it.each(['', '/nonce'])('may be wallets%s only now and then: their signatures share the places of signing in', async (path) => {
    const { accessToken } = await aFreshCreator();
    const answers = await times(4, () => api.call('POST', `/v1/me/wallets${path}`, { token: accessToken, body: {} }));
    expect(statuses(answers).map((status) => status === 429)).toEqual([false, false, false, true]);
    expect(answers[3]?.json).toMatchObject({ detail: 'More than 3 requests a minute (sign-in).' });
  });

  it('may be test alerts only now and then', async () => {
    const { accessToken, overlayId } = await aFreshCreator();
    const alert = (): Promise<Answer> => api.call('POST', `/v1/overlays/${overlayId}/test`, { token: accessToken });
    expect(statuses(await times(3, alert))).toEqual([202, 202, 429]);
    expect((await api.call('GET', '/v1/me', { token: accessToken })).status).toBe(200);
  });
});

describe('settings', () => {
  it('may change only now and then, all together', async () => {
    const { accessToken, overlayId } = await aFreshCreator();
    const ask = (method: string, path: string, body?: object): Promise<Answer> =>
      api.call(method, `/v1${path}`, { token: accessToken, headers: { 'if-match': '*' }, ...(body === undefined ? {} : { body }) });
    const config = `/overlays/${overlayId}/config`;
    // The first was the overlay itself.
    expect((await ask('PUT', config, { schemaVersion: 1 })).status).toBe(200);
    expect((await ask('POST', `/overlays/${overlayId}/reload`)).status).toBe(202);
    const over = await ask('POST', `/webhooks/${overlayId}/test`);
    expect(over.json).toMatchObject({ status: 429, detail: 'More than 3 requests a minute (settings).' });
    expect((await ask('POST', `${config}/validate`, { schemaVersion: 1 })).status).toBe(200);
  });

  it('are changed by moderators as well', async () => {
    const { accessToken } = await aFreshCreator();
    const made = await api.call('POST', '/v1/tokens', { token: accessToken, body: { name: 'mod', scopes: ['read', 'moderate'] } });
    const { accessToken: moderator } = made.json as { accessToken: string };
    const pause = (paused: boolean): Promise<Answer> => api.call('PUT', '/v1/queue', { token: moderator, body: { paused, muted: false } });
    // The first was the overlay itself.
    expect([(await pause(true)).status, (await pause(false)).status, (await pause(true)).status]).toEqual([200, 200, 429]);
  });

  it('are not used up by whoever may not change them', async () => {
    const { accessToken, overlayId } = await aFreshCreator();
    const reader = await readerOf(accessToken);
    const rename = (token: string): Promise<Answer> => api.call('PATCH', `/v1/overlays/${overlayId}`, { token, body: { name: 'renamed' } });
    expect(statuses(await times(4, () => rename(reader)))).toEqual([403, 403, 403, 403]);
    expect((await rename(accessToken)).status).toBe(200);
  });

  it.each([
    ['PUT', '/overlays/{id}/config'],
    ['PATCH', '/overlays/{id}'],
    ['DELETE', '/overlays/{id}'],
    ['POST', '/overlays/{id}/token/rotate'],
    ['POST', '/webhooks/{id}/deliveries/{id}/redeliver'],
    ['PUT', '/queue'],
    ['POST', '/queue/skip'],
    ['POST', '/queue/clear'],
    ['POST', '/alerts/{id}/replay'],
  ])('have a budget for %s %s', async (method, path) => {
    const { accessToken, overlayId } = await aFreshCreator();
    const { headers } = await api.call(method, `/v1${path.replaceAll('{id}', overlayId)}`, { token: accessToken });
    expect(headers.get('ratelimit-policy')).toContain('"settings";q=3;w=60');
  });
});

describe('sums', () => {
  it('are asked for only now and then, all kinds and tokens together', async () => {
    const { accessToken } = await aFreshCreator();
    const reader = await readerOf(accessToken);
    const ask = (path: string, token: string): Promise<Answer> => api.call('GET', `/v1/stats/${path}`, { token });
    expect((await ask('summary', accessToken)).status).toBe(200);
    expect((await ask('top', reader)).status).toBe(200);
    const over = await ask('series?from=2026-11-01&to=2026-11-02', reader);
    expect(over.json).toMatchObject({ status: 429, detail: 'More than 2 requests a minute (stats).' });
    expect((await api.call('GET', '/v1/tips', { token: reader })).status).toBe(200);
  });
});

describe('requests without credentials', () => {
  it('are counted per address', async () => {
    const nonce = (ip: string): Promise<Answer> => api.call('POST', '/v1/auth/siwe/nonce', { headers: from(ip) });
    const answers = await times(4, () => nonce('203.0.113.1'));
    expect(statuses(answers)).toEqual([201, 201, 201, 429]);
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe('"address";q=5;w=60, "sign-in";q=3;w=60');
    expect((await nonce('203.0.113.2')).status).toBe(201);
  });

  it('of one IPv6 /64 share a budget, however they are written; IPv4 in IPv6 is IPv4', async () => {
    const nonce = (ip: string): Promise<Answer> => api.call('POST', '/v1/auth/siwe/nonce', { headers: from(ip) });
    for (const ip of ['2001:db8:0:7::1', '2001:0db8:0000:0007:ffff::2', '2001:db8:0:7:1:2:3:4']) expect((await nonce(ip)).status).toBe(201);
    expect((await nonce('2001:db8:0:7::9')).status).toBe(429);
    expect((await nonce('2001:db8:0:8::1')).status).toBe(201);
    for (const ip of ['192.0.2.9', '::ffff:192.0.2.9', '192.0.2.9']) expect((await nonce(ip)).status).toBe(201);
    expect((await nonce('::ffff:c000:209')).status).toBe(429);
  });

  it('sign in only now and then', async () => {
    const bodies = await Promise.all(Array.from({ length: 4 }, () => aSignIn(calm, aWallet())));
    const answers: Answer[] = [];
    for (const body of bodies) answers.push(await api.call('POST', '/v1/auth/siwe/verify', { body, headers: from('203.0.113.50') }));
    expect(statuses(answers)).toEqual([401, 401, 401, 429]);
  });
});

describe('wrong credentials', () => {
  const me = (token: string, ip: string): Promise<Answer> => api.call('GET', '/v1/me', { token, headers: from(ip) });
  const audit = (token: string, ip: string): Promise<Answer> => api.call('GET', '/v1/audit/operator', { token, headers: from(ip) });
  const tooMany = 'Too many requests without valid credentials from this address.';

  it('that somebody made up are answered ten times a minute per address, then not even a right guess is', async () => {
    const guesses = await times(12, () => audit(newAccessToken().slice(8), '203.0.113.100'));
    expect(statuses(guesses)).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
    const right = await audit(api.adminToken, '203.0.113.100');
    expect(right.json).toMatchObject({ status: 429, code: 'rate-limited', detail: tooMany });
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await audit(api.adminToken, '203.0.113.101')).status).toBe(200);
  });

  it('of one shut nobody else out at the same address', async () => {
    const { accessToken, overlayToken } = await api.aCreator();
    const { cookie } = await signIn(calm, aWallet());
    const at = from('203.0.113.104');
    // A tab whose session has ended, a script with a deleted token, and somebody who guesses, each without end.
    expect(statuses(await times(8, () => api.call('GET', '/v1/me', { headers: { cookie, ...at } })))).toContain(429);
    expect(statuses(await times(8, () => me(newAccessToken(), '203.0.113.104')))).toContain(429);
    expect(statuses(await times(12, () => me('x'.repeat(40), '203.0.113.104')))).toContain(429);
    expect((await me(accessToken, '203.0.113.104')).status).toBe(200);
    expect((await api.call('GET', '/v1/overlay/events', { token: overlayToken, headers: at })).status).toBe(200);
    const fresh = await api.call('POST', '/v1/auth/siwe/verify', { body: await aSignIn(api, aWallet()), headers: at });
    expect(fresh.status).toBe(200);
    const anew = (fresh.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
    expect((await api.call('GET', '/v1/me', { headers: { cookie: anew, ...at } })).status).toBe(200);
  });

  it.each([
    ['a session that ended', { headers: { cookie: `__Host-droppio_sid=${'B'.repeat(43)}` } }],
    ['a token that was deleted', { token: newAccessToken() }],
    ['none at all', {}],
  ])('like %s are answered, and written down, as often as any request without credentials', async (_what, shown) => {
    const at = from(`203.0.113.${String((host += 1))}`);
    // Whichever app has started last has the word.
    const written = (): number => `${api.logger.text()}${calm.logger.text()}`.split('auth.refused').length;
    const before = written();
    const answers = await times(8, () =>
      api.call('GET', '/v1/me', { ...shown, headers: { ...('headers' in shown ? shown.headers : {}), ...at } }),
    );
    expect(statuses(answers)).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    expect(answers[7]?.json).toMatchObject({ code: 'rate-limited', detail: tooMany });
    expect(written() - before).toBe(5);
  });

  it('of a thousand at once are answered so often and no more', async () => {
    const kinds = [
      { token: newAccessToken() },
      { token: `dro_ov_${'A'.repeat(92)}` },
      { token: 'x'.repeat(40) },
      { headers: { cookie: `__Host-droppio_sid=${'B'.repeat(43)}` } },
      { headers: { authorization: 'Basic eDp5' } },
    ];
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, n) => {
        const { token, headers } = kinds[n % kinds.length] ?? {};
        return api.call('GET', '/v1/me', { ...(token === undefined ? {} : { token }), headers: { ...headers, ...from('203.0.113.102') } });
      }),
    );
    // Ten that somebody made up, five that look like ours.
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(15);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(985);
  });
});

describe('pages for everybody', () => {
  it.each(['/openapi.json', '/docs/problems'])('like %s count like requests without credentials', async (path) => {
    const at = from(path === '/docs/problems' ? '203.0.113.201' : '203.0.113.202');
    expect(statuses(await times(6, () => api.call('GET', path, { headers: at })))).toEqual([200, 200, 200, 200, 200, 429]);
    expect((await api.call('POST', '/v1/auth/siwe/nonce', { headers: at })).json).toMatchObject({ status: 429, code: 'rate-limited' });
  });
});

describe('requests that are not limited', () => {
  it('are the operator’s, and all where the limits are off', async () => {
    const list = (): Promise<Answer> => api.call('GET', '/v1/audit/operator', { token: api.adminToken });
    const answers = await times(15, list);
    expect(new Set(statuses(answers))).toEqual(new Set([200]));
    expect(answers[0]?.headers.get('ratelimit')).toBeNull();
    const { accessToken } = await calm.aCreator();
    expect(new Set(statuses(await times(15, () => calm.call('GET', '/v1/me', { token: accessToken }))))).toEqual(new Set([200]));
  });
});
