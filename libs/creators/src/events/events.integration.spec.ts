import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { BrokerUnavailable, CreatorDirectory, TipFeed, tipId, TipLedger, type BlockHeader } from '@droppio/tips';
import { aBlock, aChildOf, aDisplay, aTip, ManualClock, randomHex } from '@droppio/tips/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import {
  openOverlay,
  readDocument,
  startTestApi,
  type Answer,
  type ApiDocument,
  type TestApi,
  type TestCreator,
} from '../testing/index.js';
import { Overloaded } from '../errors.js';
import { EventReader } from './event-reader.js';
import { EventWaits } from './event-waits.js';
import type { EventsView } from './events.schema.js';

let api: TestApi;
let redis: Redis;
let document: ApiDocument;
let ledger: TipLedger;
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

async function tipped(count = 1): Promise<void> {
  const tips = Array.from({ length: count }, (_, logIndex) => {
    const tip = aTip({ creator: wallet, logIndex });
    return { ...tip, display: aDisplay({ ...tip.display, tipId: tipId({ chainId, txHash: tip.txHash, ordinal: 0 }) }) };
  });
  head = aChildOf(head, { timestampMs: Date.now() });
  expect(await ledger.commit(chainId, 1, { block: head, seenAtMs: Date.now(), tips, quarantined: [] })).toMatchObject({
    kind: 'committed',
  });
  // As the listener does after each commit; here it is the sweep's, which comes later.
  await api.call('PATCH', `/v1/overlays/${me.overlayId}`, { token: me.accessToken, body: { enabled: true } });
}
const poll = (query: string, token = me.overlayToken): Promise<Answer> => api.call('GET', `/v1/overlay/events${query}`, { token });
async function events(after: string, wait = 0): Promise<EventsView> {
  const { status, json } = await poll(`?after=${after}&wait=${String(wait)}`);
  expect(status).toBe(200);
  document.check('pollOverlayEvents', status, json);
  return json as EventsView;
}
const here = async (): Promise<string> => ((await poll('')).json as EventsView).next;
const alert = (overlayId = me.overlayId) => api.call('POST', `/v1/overlays/${overlayId}/test`, { token: me.accessToken, body: {} });

describe('polling for events', () => {
  it('brings the very frames that a WebSocket brings, in the same order', async () => {
    const overlay = await openOverlay(api.url, me.overlayToken);
    const other = await api.call('POST', '/v1/overlays', { token: me.accessToken, body: { name: 'other' } });
    const { id: otherId } = other.json as { id: string };
    let next = await here();
    const polled: unknown[] = [];
    const over = new AbortController();
    const polling = (async () => {
      while (!over.signal.aborted || (await events(next)).data.length > 0) {
        const answer = await events(next, 1000);
        polled.push(...answer.data);
        next = answer.next;
      }
    })();
    const start = Number(next.split('.')[1]);
    await alert();
    await tipped(3);
    await alert(otherId);
    await api.call('PATCH', `/v1/overlays/${otherId}`, { token: me.accessToken, body: { enabled: false } });
    await ledger.finalize(chainId, 1, { safe: head, finalized: head });
    await alert();
    over.abort();
    await polling;
    const told = (): unknown[] => overlay.frames.filter(({ op, seq }) => op === 'event' && Number(seq) > start);
    await expect.poll(() => told().length, SOON).toBe(polled.length);
    expect(polled).toEqual(told());
    expect(told().map((frame) => (frame as { type: string }).type)).toEqual(expect.arrayContaining(['tip', 'tip.updated', 'test', 'skip']));
    overlay.socket.terminate();
  });

  it('makes its page count in the health of its overlay', async () => {
    const next = await here();
    const waiting = events(next, 15_000);
    const health = async (): Promise<unknown> =>
      (await api.call('GET', `/v1/overlays/${me.overlayId}/health`, { token: me.accessToken })).json;
    await expect.poll(health, { timeout: 10_000, interval: 50 }).toMatchObject({ instances: 1 });
    await alert();
    await waiting;
  });

  it('waits for an event, and answers as soon as there is one', async () => {
    const next = await here();
    const waiting = events(next, 20_000);
    await expect.poll(() => redis.pubsub('NUMSUB', `creator:{${me.id}}`), SOON).toEqual([`creator:{${me.id}}`, 1]);
    const startedAt = performance.now();
    await alert();
    expect((await waiting).data).toMatchObject([{ op: 'event', type: 'test' }]);
    expect(performance.now() - startedAt).toBeLessThan(1500);
    await expect.poll(() => redis.pubsub('NUMSUB', `creator:{${me.id}}`), SOON).toEqual([`creator:{${me.id}}`, 0]);
  });

  it('misses nothing that comes while it looks again', async () => {
    const [reader, feed] = [api.app.get(EventReader, { strict: false }), api.app.get(TipFeed, { strict: false })];
    const [epoch = '', seq] = (await here()).split('.');
    const [place, clock] = [{ epoch, seq: Number(seq) }, new ManualClock()];
    const sleep = vi.spyOn(clock, 'sleep');
    const asked = { creatorId: me.id, overlayId: me.overlayId, place, waitMs: 20_000, gone: new AbortController().signal };
    const waiting = new EventWaits(reader, feed, clock).next(asked);
    await expect.poll(() => sleep.mock.calls.length, SOON).toBe(1);
    const heard: string[] = [];
    const ear = await feed.subscribe(me.id, ({ kind }) => heard.push(kind));
    // A look that is as old as its beginning: the event comes, and is signalled, before it ends.
    const read = vi.spyOn(reader, 'read').mockImplementationOnce(async () => {
      await alert();
      await expect.poll(() => heard, SOON).toEqual(['event']);
      return { events: [], position: place };
    });
    clock.advance(10_000);
    expect((await waiting).events).toMatchObject([{ type: 'test' }]);
    read.mockRestore();
    await ear.close();
  });

  it('begins with the whole config and the creator’s word to all, as a WebSocket does, also where all is lost', async () => {
    const config = { schemaVersion: 1, moderation: { showMessages: false } };
    const headers = { 'if-match': '*' };
    await api.call('PUT', `/v1/overlays/${me.overlayId}/config`, { token: me.accessToken, headers, body: config });
    await api.call('PUT', '/v1/queue', { token: me.accessToken, body: { paused: true, muted: false } });
    const overlay = await openOverlay(api.url, me.overlayToken);
    const ready = overlay.frames.find(({ op }) => op === 'ready');
    expect(ready).toMatchObject({ config: { moderation: { showMessages: false }, paused: true, muted: false } });
    const { status, json } = await poll('');
    document.check('pollOverlayEvents', status, json);
    expect((json as EventsView).config).toEqual(ready?.['config']);
    expect(await events('another0.1')).toMatchObject({ config: ready?.['config'], recovered: false });
    expect((await events((json as EventsView).next)).config).toBeUndefined();
    overlay.socket.terminate();
  });

  describe('while Redis is away', () => {
    const quiet = new AbortController().signal;
    afterEach(() => {
      vi.restoreAllMocks();
    });

    const deaf = () => {
      const feed = api.app.get(TipFeed, { strict: false });
      const away = (): Promise<never> => Promise.reject(new BrokerUnavailable('away'));
      vi.spyOn(feed, 'after').mockImplementation(away);
      vi.spyOn(feed, 'subscribe').mockImplementation(away);
      const [clock, reader] = [new ManualClock(), new EventReader(feed, ledger)];
      const sleep = vi.spyOn(clock, 'sleep');
      const waits = new EventWaits(reader, feed, clock);
      return { clock, reader, waits, slept: () => sleep.mock.calls.length };
    };
    const placeOf = async () => {
      const [epoch = '', seq] = (await here()).split('.');
      return { epoch, seq: Number(seq) };
    };

    it('all pages of a creator share a look at Postgres, and all of them hear', async () => {
      const place = await placeOf();
      const { clock, waits, slept } = deaf();
      const [position, after] = [vi.spyOn(ledger, 'position'), vi.spyOn(ledger, 'eventsAfter')];
      const ask = () => waits.next({ creatorId: me.id, overlayId: randomUUID(), place, waitMs: 20_000, gone: quiet });
      const waiting = Array.from({ length: 50 }, ask);
      await expect.poll(slept, SOON).toBe(50);
      await expect(ask()).rejects.toThrow(Overloaded);
      position.mockClear();
      clock.advance(2000);
      await expect.poll(slept, SOON).toBe(100);
      // The first looks alone, all others after him: his look may have begun before what they were woken for.
      expect([position.mock.calls.length, after.mock.calls.length]).toEqual([2, 0]);
      // Past the API, which would have it read and published at once.
      await api.app.get(CreatorDirectory, { strict: false }).testAlert(me.id, me.overlayId, aDisplay());
      clock.advance(2000);
      const readings = await Promise.all(waiting);
      expect(new Set(readings.map(({ events: [event] }) => event?.type))).toEqual(new Set(['test']));
      expect(after).toHaveBeenCalledTimes(2);
    });

    it('looks at Postgres a hundred times a second at most, however many creators wait', async () => {
      const { clock, reader, waits, slept } = deaf();
      const place = { epoch: 'e', seq: 1 };
      const read = vi.spyOn(reader, 'read').mockResolvedValue({ events: [], position: place });
      const leave = new AbortController();
      const creators = Array.from({ length: 600 }, () => randomUUID());
      const waiting = creators.map((id) => waits.next({ creatorId: id, overlayId: id, place, waitMs: 20_000, gone: leave.signal }));
      await expect.poll(slept, SOON).toBe(600);
      // A while, so that those who came first have the pace of all.
      for (let n = 0; n < 12; n += 1) await settled(clock, 500);
      read.mockClear();
      for (let n = 0; n < 12; n += 1) await settled(clock, 500);
      expect(read.mock.calls.length).toBeLessThanOrEqual(600);
      expect(read.mock.calls.length).toBeGreaterThan(300);
      leave.abort();
      await Promise.all(waiting);
    });

    const settled = async (clock: ManualClock, ms: number): Promise<void> => {
      clock.advance(ms);
      for (let n = 0; n < 20; n += 1) await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    };
  });

  it('answers with nothing when its time is over', async () => {
    const next = await here();
    expect(await events(next, 50)).toEqual({ data: [], next, recovered: true });
  });

  it('goes on from Postgres when Redis has forgotten everything', async () => {
    const next = await here();
    await alert();
    await redis.del(`creator:{${me.id}}:meta`, `creator:{${me.id}}:feed`, `creator:{${me.id}}:overlays`);
    expect(await events(next)).toMatchObject({ data: [{ op: 'event', type: 'test' }], recovered: true });
  });

  it('comes in pages that follow each other, also where there is very much', async () => {
    const next = await here();
    await tipped(600);
    const seqs: unknown[] = [];
    for (let place = next, page = 1; page > 0;) {
      const { data, next: on } = await events(place);
      seqs.push(...data.map(({ seq }) => seq));
      page = data.length;
      place = on;
    }
    expect(seqs).toEqual(Array.from({ length: 600 }, (_, n) => Number(next.split('.')[1]) + 1 + n));
  });

  it('says aloud what is lost', async () => {
    const next = await here();
    const [epoch, seq] = [next.split('.')[0], Number(next.split('.')[1])];
    await alert();
    await alert();
    await alert();
    await api.sql('DELETE FROM creator_events WHERE creator_id = $1 AND seq <= $2', [me.id, seq + 2]);
    await redis.del(`creator:{${me.id}}:meta`);
    expect(await events(next)).toMatchObject({
      data: [
        { op: 'gap', from: seq + 1, to: seq + 2 },
        { op: 'event', seq: seq + 3 },
      ],
      recovered: false,
    });
    const at = `${String(epoch)}.${String(seq + 3)}`;
    const { config } = (await poll('')).json as EventsView;
    expect(await events('another0.1')).toEqual({ data: [], next: at, recovered: false, config });
    expect(await events(`${String(epoch)}.999`)).toEqual({ data: [], next: at, recovered: false, config });
  });

  it('ends within a second for an address that is taken away', async () => {
    for (const takeAway of [
      () => api.call('POST', `/v1/overlays/${me.overlayId}/token/rotate`, { token: me.accessToken }),
      () => api.call('DELETE', '/v1/me', { token: me.accessToken, body: { handle: me.handle } }),
    ]) {
      const links = await api.call('GET', `/v1/overlays/${me.overlayId}/url`, { token: me.accessToken });
      const token = new URL((links.json as { pageUrl: string }).pageUrl).hash.slice(1);
      const { next } = (await poll('', token)).json as EventsView;
      const waiting = poll(`?after=${next}`, token);
      await expect.poll(() => redis.pubsub('NUMSUB', `creator:{${me.id}}`), SOON).toEqual([`creator:{${me.id}}`, 1]);
      const startedAt = performance.now();
      expect((await takeAway()).status).toBeLessThan(300);
      expect((await waiting).status).toBe(401);
      expect(performance.now() - startedAt).toBeLessThan(1500);
      expect((await poll(`?after=${next}`, token)).status).toBe(401);
    }
  });

  it('lets an overlay wait four times at most, and frees a place when its caller goes', async () => {
    const next = await here();
    const leave = new AbortController();
    const headers = { authorization: `Bearer ${me.overlayToken}` };
    const url = `${api.url}/v1/overlay/events?after=${next}`;
    // Those who look how many wait take a place, too, for a moment.
    const hold = async (): Promise<void> => {
      while ((await fetch(url, { headers, signal: leave.signal }).catch(() => undefined))?.status === 503);
    };
    const four = Array.from({ length: 4 }, hold);
    await expect.poll(async () => (await poll(`?after=${next}&wait=1`)).status, SOON).toBe(503);
    expect((await poll(`?after=${next}&wait=1`)).headers.get('retry-after')).toBe('5');
    leave.abort();
    await Promise.all(four);
    await expect.poll(async () => (await poll(`?after=${next}&wait=1`)).status, SOON).toBe(200);
  });

  it.each(['?after=x', '?after=epoch.-1', '?after=.1', '?after=epoch-01.1&wait=25001', '?wait=-1', '?what=1'])(
    'refuses %s',
    async (query) => {
      expect((await poll(query)).status).toBe(400);
    },
  );

  it('answers everybody at once when the process stops', async () => {
    const waiting = events(await here(), 20_000);
    await expect.poll(() => redis.pubsub('NUMSUB', `creator:{${me.id}}`), SOON).toEqual([`creator:{${me.id}}`, 1]);
    api.app.get(EventWaits, { strict: false }).beforeApplicationShutdown();
    expect((await waiting).data).toEqual([]);
  });
});
