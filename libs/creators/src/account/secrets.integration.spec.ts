import { Client } from 'pg';
import { tipId, TipLedger } from '@droppio/tips';
import { aBlock, aChildOf, aDisplay, aTip, randomHex } from '@droppio/tips/testing';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { aMessage, aNonce, aSignUp, aWallet, SIGN_IN_ORIGIN, startTestApi, type Answer, type TestApi } from '../testing/index.js';

let api: TestApi;
let written = '';
const streams = [process.stdout, process.stderr] as const;
const writes = streams.map((stream) => stream.write.bind(stream));

beforeEach(async () => {
  written = '';
  for (const stream of streams) {
    stream.write = (chunk: string | Uint8Array): boolean => {
      written += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      return true;
    };
  }
  api = await startTestApi(inject('postgresUrl'), { live: {} });
});
afterEach(async () => {
  await api.close();
  streams.forEach((stream, i) => {
    const write = writes[i];
    if (write !== undefined) stream.write = write;
  });
});

const name = (what: string): string => `canary-${what}-${randomHex(8).slice(2)}`;

/** A browser, a script and an overlay with everything that must not get out, by name. */
async function somebody() {
  const wallet = aWallet();
  const nonce = await aNonce(api);
  const message = await aMessage(api, wallet, { nonce });
  const signature = await wallet.signMessage({ message });
  const signIn = () =>
    api.call('POST', '/v1/auth/siwe/verify', { body: { message, signature, signUp: aSignUp() }, headers: { origin: SIGN_IN_ORIGIN } });
  const cookie = ((await signIn()).headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
  const replayed = await signIn();
  expect(replayed.status).toBe(401);
  const owner = randomHex(20);
  const { accessToken, overlayToken, overlayId } = await api.aCreator(owner);
  const secrets = {
    nonce,
    signature: signature.slice(2),
    cookie: cookie.slice(cookie.indexOf('=') + 1),
    accessToken: accessToken.slice('dro_pat_'.length),
    overlayToken: overlayToken.slice('dro_ov_'.length),
    adminToken: api.adminToken,
    tip: name('tip'),
    alert: name('alert'),
    badJson: name('json'),
    path: name('path'),
  };
  expect(Math.min(...Object.values(secrets).map(({ length }) => length))).toBeGreaterThan(7);
  return { secrets, cookie, accessToken, overlayToken, overlayId, owner };
}

type Somebody = Awaited<ReturnType<typeof somebody>>;

/** Whatever can be done with the secrets, well or badly; the statuses that came back. */
async function useAll({ secrets, cookie, accessToken, overlayToken, overlayId }: Somebody, tip: string): Promise<number[]> {
  const browser = { cookie, origin: SIGN_IN_ORIGIN };
  const calls: Promise<Pick<Answer, 'status'>>[] = [
    api.call('GET', '/v1/me', { headers: browser }),
    api.call('PATCH', '/v1/me', { headers: browser, body: { displayName: secrets.alert } }),
    api.call('PATCH', '/v1/me', { headers: { cookie, origin: 'https://evil.test' }, body: {} }),
    api.call('GET', '/v1/me', { token: accessToken }),
    api.call('GET', '/v1/me', { token: `${accessToken}x` }),
    api.call('GET', `/v1/me?token=${accessToken}`),
    api.call('GET', `/v1/overlays/${overlayId}/url`, { token: accessToken }),
    api.call('POST', `/v1/overlays/${overlayId}/test`, { token: accessToken, body: { message: secrets.alert, name: secrets.alert } }),
    api.call('POST', `/v1/overlays/${overlayId}/test`, { token: accessToken, body: `{"message": "${secrets.badJson}` }),
    api.call('POST', `/v1/overlays/${overlayId}/test`, { token: accessToken, body: { [secrets.badJson]: secrets.badJson } }),
    api.call('DELETE', `/v1/tips/${secrets.path}/message`, { token: accessToken }),
    api.call('GET', `/v1/${secrets.path}`, { token: accessToken }),
    api.call('GET', '/v1/tips', { token: accessToken }),
    // Half a document is cut off when the rest cannot be read.
    api.call('GET', '/v1/me/export', { token: accessToken }).catch(() => ({ status: 0 })),
    api.call('GET', '/v1/overlay/events', { token: overlayToken }),
    api.call('GET', '/v1/overlay/widget', { token: overlayToken }),
    api.call('GET', `/v1/overlay/widget?after=${secrets.path}.1`, { token: overlayToken }),
    api.call('GET', `/v1/overlay/events?after=${secrets.path}.1&wait=0`, { token: overlayToken }),
    api.call('GET', '/v1/audit', { token: accessToken }),
    api.call('POST', '/v1/creators', { token: api.adminToken, body: { handle: 'UPPER', displayName: secrets.alert, wallets: [] } }),
    api.call('POST', '/v1/auth/siwe/verify', { body: { message: secrets.nonce, signature: `0x${secrets.signature}` } }),
    api.call('DELETE', `/v1/tips/${tip}/message`, { token: accessToken }),
  ];
  return (await Promise.all(calls)).map(({ status }) => status);
}

describe('a secret, or what a stranger wrote', () => {
  it('is in no output, at the most talkative level, whatever fails', async () => {
    const them = await somebody();
    const ledger = api.app.get(TipLedger, { strict: false });
    const genesis = aBlock({ number: 1 });
    await ledger.begin(31_337, genesis, 1);
    const raw = aTip({ creator: `0x${them.owner.slice(2)}`, message: them.secrets.tip });
    const id = tipId({ chainId: 31_337, txHash: raw.txHash, ordinal: 0 });
    const tip = { ...raw, display: aDisplay({ ...raw.display, tipId: id, message: them.secrets.tip }) };
    await ledger.commit(31_337, 1, { block: aChildOf(genesis), seenAtMs: Date.now(), tips: [tip], quarantined: [] });

    expect(await useAll(them, id)).toEqual(expect.arrayContaining([200, 202, 204, 400, 401, 403, 404]));
    await api.sql('ALTER TABLE tips RENAME TO tips_away');
    await api.sql('ALTER TABLE audit_entries RENAME TO audit_away');
    expect(await useAll(them, id)).toContain(500);
    const [{ name: database }] = (await api.sql('SELECT current_database() AS name')) as [{ name: string }];
    const admin = new Client({ connectionString: inject('postgresUrl') });
    await admin.connect();
    await admin.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`);
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database]);
    expect(await useAll(them, id)).toContain(503);
    await admin.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`);
    await admin.end();

    const logged = api.logger.text();
    for (const event of ['auth.refused', 'http.failed', 'http.unavailable', 'audit.lost']) expect(logged).toContain(event);
    const found = Object.entries(them.secrets).filter(([, secret]) => `${written}${logged}`.includes(secret));
    expect(found.map(([what]) => what)).toEqual([]);
  });
});
