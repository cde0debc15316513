import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { StorageUnavailable, TipArchive, tipId, TipLedger, type Hex, type StoredTip } from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomHex, randomInt } from '@droppio/tips/testing';
import { startTestApi, type TestApi, type TestCreator } from '../testing/index.js';

let api: TestApi;
let ada: TestCreator;
let wallet: Hex;
let chainId: number;
let archive: TipArchive;
const token = () => ada.accessToken;
const get = (path: string) => api.call('GET', path, { token: token() });

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'));
  archive = api.app.get(TipArchive, { strict: false });
  wallet = randomHex(20);
  ada = await api.aCreator(wallet);
  chainId = 1_000_000 + randomInt(1_000_000);
  const ledger = api.app.get(TipLedger, { strict: false });
  const genesis = aBlock({ number: 10, timestampMs: Date.UTC(2026, 10, 1) });
  await ledger.begin(chainId, genesis, 1);
  let at = genesis;
  for (const message of ['=HYPERLINK("x")', 'hello, "you"', 'gg']) {
    at = aChildOf(at, { timestampMs: at.timestampMs + 60_000 });
    const tip = aTip({ creator: wallet, message, amount: 1000n });
    await ledger.commit(chainId, 1, { block: at, seenAtMs: at.timestampMs, tips: [tip], quarantined: [] });
  }
  await ledger.finalize(chainId, 1, { finalized: at });
});

afterEach(() => vi.restoreAllMocks());
afterAll(() => api.close());

describe('the list of tips', () => {
  it.each([
    ['', 3],
    ['state=finalized', 3],
    ['state=seen,confirmed', 0],
    ['from=2026-11-01T00:02:00Z', 2],
    ['from=2026-11-01T01:02:00%2B01:00&to=2026-11-01T00:03:00.000Z', 1],
    [`sender=0x${'ab'.repeat(20)}`, 0],
    [`wallet=0x${'ab'.repeat(20)}`, 0],
    ['chain=1', 0],
  ])('holds what fits %j', async (query, many) => {
    expect((await get(`/v1/tips?${query}`)).json).toMatchObject({ data: { length: many }, page: { next: null } });
  });

  it('takes a minimum of one token', async () => {
    const coin = `${String(chainId)}:0x${'0'.repeat(40)}`;
    expect((await get(`/v1/tips?chain=${String(chainId)}&token=${coin}&minimum=1000`)).json).toMatchObject({ data: { length: 3 } });
    expect((await get(`/v1/tips?token=${coin}&minimum=1001`)).json).toMatchObject({ data: { length: 0 } });
  });

  it.each([
    ['minimum=1', '/minimum'],
    ['token=8453:0x12', '/token'],
    [`token=0:0x${'0'.repeat(40)}`, '/token'],
    [`token=9999999999999999:0x${'0'.repeat(40)}`, '/token'],
    [`token=1:0x${'0'.repeat(40)}&chain=2`, '/token'],
    [`token=1:0x${'0'.repeat(40)}&minimum=-1`, '/minimum'],
    [`token=1:0x${'0'.repeat(40)}&minimum=${'9'.repeat(79)}`, '/minimum'],
    ['chain=0', '/chain'],
    ['chain=1.5', '/chain'],
    ['from=2026-11-01', '/from'],
    ['from=yesterday', '/from'],
    ['from=2026-11-02T00:00:00Z&to=2026-11-02T00:00:00Z', '/to'],
    ['state=', '/state/0'],
    ['state=finalized,gone', '/state/1'],
    ['state=safe&state=seen', '/state'],
    ['sender=me', '/sender'],
    ['q=gg', ''],
  ])('refuses %s and says where', async (query, pointer) => {
    expect((await get(`/v1/tips?${query}`)).json).toMatchObject({
      status: 400,
      code: 'invalid-request',
      errors: [{ in: 'query', pointer }],
    });
  });

  it('takes a cursor back only with the filters it was given for', async () => {
    const first = (await get('/v1/tips?limit=2&state=finalized')).json as { page: { next: string } };
    const cursor = first.page.next;
    expect((await get(`/v1/tips?limit=1&state=finalized&cursor=${cursor}`)).json).toMatchObject({
      data: { length: 1 },
      page: { next: null },
    });
    const bea = await api.aCreator();
    for (const answer of [
      await get(`/v1/tips?limit=2&cursor=${cursor}`),
      await get(`/v1/tips?limit=2&state=finalized,safe&cursor=${cursor}`),
      await api.call('GET', `/v1/tips?limit=2&state=finalized&cursor=${cursor}`, { token: bea.accessToken }),
    ]) {
      expect(answer.json).toMatchObject({ status: 400, code: 'invalid-cursor' });
    }
  });
});

describe('one tip', () => {
  it('comes with its proof', async () => {
    const [tip] = (await archive.list({ creatorId: ada.id, limit: 1 })).tips as readonly [StoredTip];
    expect((await get(`/v1/tips/${tipId(tip)}`)).json).toMatchObject({
      id: tipId(tip),
      chainId,
      ordinal: 0,
      state: 'finalized',
      txHash: tip.txHash,
      block: { number: 13, hash: tip.blockHash, at: '2026-11-01T00:03:00.000Z', logIndex: 0 },
      sightings: [{ block: { number: 13, hash: tip.blockHash }, canonical: true, raw: '1000', seenAt: '2026-11-01T00:03:00.000Z' }],
      told: [
        { seq: 4, type: 'tip', state: 'confirmed', rev: 1 },
        { seq: 7, type: 'tip.updated', state: 'finalized', rev: 2 },
      ],
    });
  });

  it.each(['x', `1-0x${'ab'.repeat(32)}-0`, `1-0x${'ab'.repeat(32)}-9999999999`, `9999999999999999-0x${'ab'.repeat(32)}-0`])(
    'is not found by the id %s',
    async (id) => {
      expect((await get(`/v1/tips/${id}`)).json).toMatchObject({ status: 404, code: 'not-found' });
    },
  );
});

describe('the export', () => {
  const endless = () => vi.spyOn(archive, 'list');
  const file = (query = '') => fetch(`${api.url}/v1/tips.csv${query}`, { headers: { authorization: `Bearer ${token()}` } });
  const page = async () => ({ ...(await archive.list({ creatorId: ada.id, limit: 3 })), next: 'more' });

  it('is a file with every tip, safe to open', async () => {
    const answer = await file('?bom=true');
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="tips.csv"');
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.subarray(0, 3).toString('hex')).toBe('efbbbf');
    const lines = bytes.toString().split('\r\n');
    expect(lines).toHaveLength(5);
    expect(lines[2]).toContain('"hello, ""you"""');
    expect(bytes.toString()).toContain(`"'=HYPERLINK(""x"")"`);
  });

  it('takes the filters of the list, and refuses others', async () => {
    expect((await (await file('?state=seen')).text()).split('\r\n')).toHaveLength(2);
    expect((await file('?minimum=1')).status).toBe(400);
    expect((await file('?limit=5')).status).toBe(400);
  });

  it('sends HEAD nothing but the headers', async () => {
    const list = endless();
    const { status, headers, text } = await api.call('HEAD', '/v1/tips.csv', { token: token() });
    expect({ status, type: headers.get('content-type'), text }).toMatchObject({ status: 200, text: '' });
    expect(list).not.toHaveBeenCalled();
  });

  it('answers with a problem when it fails at once', async () => {
    endless().mockRejectedValueOnce(new StorageUnavailable('away'));
    const answer = await file();
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.headers.get('content-disposition')).toBeNull();
    expect((await file()).status).toBe(200);
  });

  it('never looks whole when it fails half way, not even to a client of HTTP/1.0', async () => {
    const some = await page();
    const fail = () => endless().mockResolvedValueOnce(some).mockRejectedValueOnce(new StorageUnavailable('away'));
    fail();
    await expect(file().then((answer) => answer.text())).rejects.toThrow();
    fail();
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error)).resume();
    socket.write(`GET /v1/tips.csv HTTP/1.0\r\nAuthorization: Bearer ${token()}\r\n\r\n`);
    await ended;
    expect(errors).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('is one at a time for each creator, and ends its reading when the client hangs up', async () => {
    const some = await page();
    const list = endless().mockResolvedValue(some);
    const hangUp = new AbortController();
    const answer = await fetch(`${api.url}/v1/tips.csv`, { headers: { authorization: `Bearer ${token()}` }, signal: hangUp.signal });
    expect(answer.status).toBe(200);
    expect((await get('/v1/tips.csv')).json).toMatchObject({ status: 409, code: 'export-running' });
    const bea = await api.aCreator();
    list.mockResolvedValueOnce({ tips: [] });
    expect((await api.call('GET', '/v1/tips.csv', { token: bea.accessToken })).status).toBe(200);
    // Nobody reads: the pages stop when the buffers between are full.
    const calls = () => list.mock.calls.length;
    await expect.poll(async () => (await stable(calls)) < 10_000).toBe(true);
    hangUp.abort();
    list.mockRestore();
    await expect.poll(async () => (await file()).status, { timeout: 5000 }).toBe(200);
    expect(api.logger.text()).toContain('export.cut');
  });
});

describe('stats', () => {
  it('tell of final tips by token, day and tipper', async () => {
    // Sums are kept beside the chain.
    await expect.poll(() => api.sql('SELECT 1 FROM tip_deltas'), { timeout: 5000 }).toEqual([]);
    const sums = { chainId, token: `0x${'0'.repeat(40)}`, symbol: 'ETH', decimals: 18, raw: '3000', tips: 3, priced: 0 };
    expect((await get('/v1/stats/summary')).json).toEqual({ tips: 3, priced: 0, tippers: 3, tokens: [sums] });
    expect((await get('/v1/stats/series?from=2026-10-30&to=2026-11-01&tz=America/New_York')).json).toEqual({
      timeZone: 'America/New_York',
      data: [{ day: '2026-10-31', ...sums }],
    });
    const coin = `${String(chainId)}:0x${'0'.repeat(40)}`;
    expect((await get(`/v1/stats/top?token=${coin}&limit=2`)).json).toMatchObject({ data: [{ raw: '1000', tips: 1 }, { raw: '1000' }] });
    expect((await get('/v1/stats/top')).json).toEqual({ data: [] });
  });

  it.each([
    ['series', '', '/from'],
    ['series', 'from=2026-01-01&to=2027-02-05', '/to'],
    ['series', 'from=2026-01-02&to=2026-01-01', '/to'],
    ['series', 'from=2026-02-30&to=2026-03-01', '/from'],
    ['series', 'from=1969-01-01&to=1969-01-02', '/from'],
    ['series', 'from=2026-01-01&to=2026-01-02&tz=Mars/Phobos', '/tz'],
    ['series', 'from=2026-01-01&to=2026-01-02&tz=PST', '/tz'],
    ['series', 'from=2026-01-01&to=2026-01-02&tz=AET', '/tz'],
    ['series', 'from=2026-01-01&to=2026-01-02&tz=%2B02:00', '/tz'],
    ['top', 'limit=101', '/limit'],
    ['top', 'token=ETH', '/token'],
    ['summary', 'x=1', undefined],
  ])('of %s refuse %j', async (which, query, pointer) => {
    const answer = await get(`/v1/stats/${which}?${query}`);
    if (pointer === undefined) expect(answer.status).toBe(200);
    else
      expect(answer.json).toMatchObject({ status: 400, errors: expect.arrayContaining([expect.objectContaining({ pointer })]) as unknown });
  });

  it.each(['UTC', 'Etc/GMT+5', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires', 'EST5EDT', 'europe/berlin'])(
    'know the time zone %s',
    async (tz) => {
      const answer = await get(`/v1/stats/series?from=2026-11-01&to=2026-11-01&tz=${encodeURIComponent(tz)}`);
      expect(answer.status).toBe(200);
    },
  );
});

/** What a number has become when it has not changed for a while. */
async function stable(read: () => number): Promise<number> {
  for (let last = -1; ;) {
    const now = read();
    if (now === last) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
