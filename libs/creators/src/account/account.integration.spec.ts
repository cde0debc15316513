import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  AccountData,
  ExportTurns,
  Retention,
  StorageUnavailable,
  TipFeed,
  TipLedger,
  tipId,
  type BlockHeader,
  type SightedTip,
} from '@droppio/tips';
import { aBlock, aChildOf, aDisplay, aTip, randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import {
  aWallet,
  openOverlay,
  readDocument,
  signIn,
  startTestApi,
  type ApiDocument,
  type TestApi,
  type TestCreator,
} from '../testing/index.js';
import { Housekeeping } from './housekeeping.js';

let api: TestApi;
let redis: Redis;
let document: ApiDocument;
let ledger: TipLedger;
let feed: TipFeed;
let me: TestCreator;
let wallet: `0x${string}`;
let head: BlockHeader;
const chainId = 31_337;
const SOON = { timeout: 5000, interval: 20 };

beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  api = await startTestApi(inject('postgresUrl'), { live: { redisUrl: inject('redisUrl') } });
  document = readDocument((await api.call('GET', '/openapi.json')).json);
  ledger = api.app.get(TipLedger, { strict: false });
  feed = api.app.get(TipFeed, { strict: false });
  head = aBlock({ number: 1, timestampMs: Date.now() - 5000 });
  await ledger.begin(chainId, head, 1);
});
afterAll(async () => {
  await api.close();
  redis.disconnect();
});
beforeEach(async () => {
  wallet = randomHex(20);
  me = await api.aCreator(wallet);
});

/** A tip in the next block, told and published like any other. */
async function tipped(message: string, to = wallet): Promise<SightedTip> {
  const tip = aTip({ creator: to, message });
  const id = tipId({ chainId, txHash: tip.txHash, ordinal: 0 });
  const whole = { ...tip, display: aDisplay({ ...tip.display, tipId: id, message }) };
  head = aChildOf(head, { timestampMs: Date.now() });
  expect(await ledger.commit(chainId, 1, { block: head, seenAtMs: Date.now(), tips: [whole], quarantined: [] })).toMatchObject({
    kind: 'committed',
  });
  return whole;
}
const idOf = (tip: SightedTip): string => tipId({ chainId, txHash: tip.txHash, ordinal: tip.ordinal });
const mine = { headers: {} };
const end = (body: unknown, token = me.accessToken) => api.call('DELETE', '/v1/me', { ...mine, token, body });
const inRedis = async (): Promise<string> => {
  const dumps = await Promise.all(
    (await redis.keys(`creator:{${me.id}}*`)).map(async (key) => `${key} ${JSON.stringify(await redis.dump(key))}`),
  );
  return dumps.join('\n');
};

describe('leaving', () => {
  it('asks for the account’s own handle', async () => {
    for (const body of [{}, { handle: 'somebody-else' }, { handle: me.handle, really: true }]) {
      const { status, json } = await end(body);
      expect(status).toBe(400);
      document.check('deleteMe', status, json);
    }
    expect((await api.call('GET', '/v1/me', { token: me.accessToken })).status).toBe(200);
  });

  it('closes open overlays within a second, for good, and leaves nothing in Redis that names anybody', async () => {
    const overlay = await openOverlay(api.url, me.overlayToken);
    await tipped('a secret between us');
    await expect.poll(() => overlay.frames.some(({ type }) => type === 'tip'), SOON).toBe(true);
    const startedAt = performance.now();
    expect((await end({ handle: me.handle })).status).toBe(204);
    expect(await overlay.closed).toBeGreaterThanOrEqual(4500);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await redis.keys(`creator:{${me.id}}*`)).toEqual([`creator:{${me.id}}:meta`]);
    expect(await inRedis()).not.toContain('secret');
    await expect(openOverlay(api.url, me.overlayToken)).rejects.toThrow('closed with 4500');
  });

  it('turns late overlays away also when the feed has forgotten everything', async () => {
    await end({ handle: me.handle });
    await redis.del(`creator:{${me.id}}:meta`);
    await expect(openOverlay(api.url, me.overlayToken)).rejects.toThrow('closed with 4500');
  });

  it('ends all credentials, erases messages, and frees handle and wallet', async () => {
    await tipped('gone with me');
    const { status, headers } = await end({ handle: me.handle });
    expect(status).toBe(204);
    expect(headers.get('set-cookie')).toContain('Max-Age=0');
    expect((await api.call('GET', '/v1/me', { token: me.accessToken })).status).toBe(401);
    const again = await api.call('POST', '/v1/creators', {
      token: api.adminToken,
      body: { handle: me.handle, displayName: 'New', wallets: [wallet] },
    });
    expect(again.status).toBe(201);
    const { accessToken } = again.json as { accessToken: string };
    const tips = (await api.call('GET', '/v1/tips', { token: accessToken })).json as { data: { message: string }[] };
    expect(tips.data.map(({ message }) => message)).toEqual(['']);
    expect((await api.call('GET', '/v1/audit/operator?operation=deleteMe&limit=1', { token: api.adminToken })).json).toMatchObject({
      data: [{ operation: 'deleteMe', outcome: 'done', targets: { creator: me.id } }],
    });
  });

  it('is not undone by a relay that had read the stream before', async () => {
    await tipped('a message');
    const snapshot = await ledger.snapshot(me.id, 256);
    if (snapshot === undefined) throw new Error('no stream');
    expect(snapshot.events).toHaveLength(2);
    await end({ handle: me.handle });
    await feed.restore(me.id, snapshot);
    expect(await feed.after(me.id, 0, 10)).toEqual({ position: snapshot.position, events: [], complete: false });
    expect(await feed.grant(me.id, me.overlayId)).toBeUndefined();
  });

  it('needs a fresh sign-in, and works from the browser', async () => {
    const { cookie, answer } = await signIn(api, aWallet());
    const headers = { cookie, origin: 'https://app.test' };
    const { handle } = answer.json as { handle: string };
    expect((await api.call('DELETE', '/v1/me', { headers: { cookie }, body: { handle } })).status).toBe(403);
    expect((await api.call('DELETE', '/v1/me', { headers, body: { handle } })).status).toBe(204);
    expect((await api.call('GET', '/v1/me', { headers })).status).toBe(401);
  });

  it('stops no chain: a tip to the wallet of an account that is gone is stored, and told to nobody', async () => {
    await end({ handle: me.handle });
    await tipped('too late');
    const other = randomHex(20);
    const neighbour = await api.aCreator(other);
    await tipped('still told', other);
    expect((await api.call('GET', '/v1/tips', { token: neighbour.accessToken })).json).toMatchObject({ data: [{ message: 'still told' }] });
  });

  it('is finished by whoever keeps house, when the feed is away in that moment', async () => {
    const overlay = await openOverlay(api.url, me.overlayToken);
    const { whole } = { whole: feed.end.bind(feed) };
    feed.end = () => Promise.reject(new Error('Redis is away'));
    expect((await end({ handle: me.handle })).status).toBe(204);
    feed.end = whole;
    expect(overlay.socket.readyState).toBe(overlay.socket.OPEN);
    const keeper = api.app.get(Housekeeping, { strict: false });
    await keeper.erasures();
    expect(await overlay.closed).toBe(4500);
    expect(await api.app.get(Retention, { strict: false }).gone(100)).toEqual([]);
  });
});

describe('taking along', () => {
  const take = () => api.call('GET', '/v1/me/export', { token: me.accessToken });

  it('is one document with everything, and without secrets', async () => {
    const tip = await tipped('for my records');
    const { status, headers, json, text } = await api.call('GET', '/v1/me/export', { token: me.accessToken });
    expect(status).toBe(200);
    expect(headers.get('content-disposition')).toContain(`droppio-${me.handle}.json`);
    document.check('exportMe', status, json);
    expect(json).toMatchObject({
      profile: [{ handle: me.handle }],
      wallets: [{ address: wallet }],
      overlays: [{ id: me.overlayId }],
      accessTokens: [{}],
      tips: [{ tx_hash: tip.txHash, message: 'for my records' }],
      events: [{ type: 'config' }, { type: 'tip' }],
    });
    expect(text).not.toContain(me.accessToken);
    expect((await api.call('GET', '/v1/audit?operation=exportMe', { token: me.accessToken })).json).toMatchObject({
      data: [{ outcome: 'done' }],
    });
  });

  it('is one at a time for each creator, for one or two creators at a time, and gives its place back', async () => {
    const many = await Promise.all(Array.from({ length: 8 }, take));
    expect(many.map(({ status }) => status)).toContain(200);
    for (const { status, headers } of many) if (status === 503) expect(headers.get('retry-after')).toBe('10');
    expect(many.filter(({ status }) => ![200, 409, 503].includes(status))).toEqual([]);
    await api.app.get(ExportTurns, { strict: false }).take(me.id, randomUUID(), 60_000);
    expect((await take()).json).toMatchObject({ status: 409, code: 'export-running' });
    me = await api.aCreator();
    expect((await take()).status).toBe(200);
  });

  it('gives its place back when its caller leaves before anything is sent', async () => {
    const data = api.app.get(AccountData, { strict: false });
    const server = api.app.getHttpServer();
    const headers = { authorization: `Bearer ${me.accessToken}` };
    for (let n = 0; n < 3; n += 1) {
      const leave = new AbortController();
      const hasLeft = new Promise<void>((resolve) => {
        server.once('request', (_request, response) => response.once('close', resolve));
      });
      vi.spyOn(data, 'rows').mockImplementationOnce(async function* () {
        leave.abort();
        await hasLeft;
        await setImmediate();
        yield [];
      });
      await expect(fetch(`${api.url}/v1/me/export`, { headers, signal: leave.signal })).rejects.toThrow('aborted');
      await expect.poll(async () => (await take()).status, SOON).toBe(200);
    }
  });

  it('never looks whole when it fails half way', async () => {
    const data = api.app.get(AccountData, { strict: false });
    vi.spyOn(data, 'rows').mockImplementationOnce(async function* () {
      yield await Promise.resolve(['{}']);
      throw new StorageUnavailable('away');
    });
    await expect(take()).rejects.toThrow();
    await expect.poll(async () => (await take()).status, SOON).toBe(200);
  });
});

describe('a message', () => {
  it('is erased everywhere, open overlays and those that come back included', async () => {
    const overlay = await openOverlay(api.url, me.overlayToken);
    const ready = overlay.frames.find(({ op }) => op === 'ready') as { epoch: string; head: number };
    const tip = await tipped('something rude');
    await expect.poll(() => JSON.stringify(overlay.frames), SOON).toContain('something rude');
    const { status } = await api.call('DELETE', `/v1/tips/${idOf(tip)}/message`, { token: me.accessToken });
    expect(status).toBe(204);
    await expect.poll(() => overlay.frames.at(-1), SOON).toMatchObject({ type: 'tip.updated', id: idOf(tip), d: { message: '' } });
    expect(await inRedis()).not.toContain('rude');
    const late = await openOverlay(api.url, me.overlayToken, `&epoch=${ready.epoch}&seq=${String(ready.head)}`);
    await expect.poll(() => late.frames.map(({ type }) => type), SOON).toContain('tip.updated');
    expect(JSON.stringify(late.frames)).not.toContain('rude');
    expect((await api.call('GET', '/v1/tips', { token: me.accessToken })).text).not.toContain('rude');
    for (const { socket } of [overlay, late]) socket.terminate();
  });

  it('is taken out of the feed as well, should it ever be back', async () => {
    const tip = await tipped('back again');
    await api.call('DELETE', `/v1/tips/${idOf(tip)}/message`, { token: me.accessToken });
    const text = `jsonb_build_object('message', 'back again')`;
    await api.sql(`UPDATE tips SET message = 'back again', display = display || ${text} WHERE tx_hash = decode($1, 'hex')`, [
      tip.txHash.slice(2),
    ]);
    await api.sql(
      `UPDATE creator_events SET payload = jsonb_set(payload, '{d}', payload->'d' || ${text}) WHERE creator_id = $1 AND type LIKE 'tip%'`,
      [me.id],
    );
    const told = await ledger.snapshot(me.id, 100);
    if (told === undefined) throw new Error('a creator without a stream');
    await feed.restore(me.id, told);
    const inFeed = async (): Promise<string> => JSON.stringify(await feed.after(me.id, 0, 100));
    expect(await inFeed()).toContain('back again');
    await api.app.get(Housekeeping, { strict: false }).erasures();
    expect(await inFeed()).toContain('tip.updated');
    expect(await inFeed()).not.toContain('back again');
    expect((await api.call('GET', '/v1/tips', { token: me.accessToken })).text).not.toContain('back again');
  });

  it('may be erased twice, but not another’s, and not one that is none', async () => {
    const tip = await tipped('mine');
    const other = await api.aCreator();
    const erase = (id: string, token: string) => api.call('DELETE', `/v1/tips/${id}/message`, { token });
    expect((await erase(idOf(tip), other.accessToken)).status).toBe(404);
    expect((await erase(idOf(tip), me.accessToken)).status).toBe(204);
    expect((await erase(idOf(tip), me.accessToken)).status).toBe(204);
    for (const id of ['x', randomUUID(), `1-${randomHex(32)}-99999999999`, `1-${randomHex(32)}-4294967295`]) {
      expect((await erase(id, me.accessToken)).status).toBe(404);
    }
  });
});
