import { AccessTokens, SHOW_EVERYTHING, TipLedger, tipId, type Scope, type SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomHex, randomInt } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { hashAccessToken, newAccessToken } from '../access/access-token.js';
import { startTestApi, type Answer, type TestApi, type TestCreator } from '../testing/index.js';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'));
});
afterAll(() => api.close());

interface Desk extends TestCreator {
  readonly wallet: `0x${string}`;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Commits a block with one tip that says each of these, screens them, and gives their ids. */
  tip(...messages: readonly string[]): Promise<string[]>;
}

async function aDesk(): Promise<Desk> {
  const wallet = randomHex(20);
  const creator = await api.aCreator(wallet);
  const ledger = api.app.get(TipLedger, { strict: false });
  const chainId = 1_000_000 + randomInt(1_000_000_000);
  let at = aBlock({ number: 10 });
  await ledger.begin(chainId, at, 1);
  return {
    ...creator,
    wallet,
    call: (method, path, body, headers) =>
      api.call(method, path, { token: creator.accessToken, ...(body !== undefined && { body }), ...(headers && { headers }) }),
    tip: async (...messages) => {
      at = aChildOf(at);
      const tips = messages.map((message, logIndex): SightedTip => {
        const tip = aTip({ creator: wallet, message, logIndex });
        return tip.display === undefined ? tip : { ...tip, display: { ...tip.display, message } };
      });
      await ledger.commit(chainId, 1, { block: at, seenAtMs: at.timestampMs, tips, quarantined: [] });
      await ledger.screen(creator.id);
      return tips.map(({ txHash, ordinal }) => tipId({ chainId, txHash, ordinal }));
    },
  };
}

async function put(desk: Desk, rules: object): Promise<Answer> {
  const { headers } = await desk.call('GET', '/v1/moderation');
  return desk.call('PUT', '/v1/moderation', rules, { 'if-match': headers.get('etag') ?? '' });
}

const idsOf = ({ json }: Answer): string[] => (json as { data: { id: string }[] }).data.map(({ id }) => id);

describe('the rules', () => {
  it('show everything until somebody says otherwise', async () => {
    const desk = await aDesk();
    const read = await desk.call('GET', '/v1/moderation');
    expect(read).toMatchObject({ status: 200, json: SHOW_EVERYTHING });
    expect(read.headers.get('etag')).toBe('"v1"');
  });

  it('are replaced whole, by whoever has read them', async () => {
    const desk = await aDesk();
    const rules = { mode: 'hold', blockList: { entries: ['rude*', 'kill yourself'], action: 'reject' }, maxMessageChars: 80 };
    expect((await desk.call('PUT', '/v1/moderation', rules)).status).toBe(428);
    const set = await put(desk, rules);
    expect(set).toMatchObject({
      status: 200,
      json: { ...SHOW_EVERYTHING, ...rules, blockList: { ...rules.blockList, useStandard: false } },
    });
    expect(set.headers.get('etag')).toBe('"v2"');
    expect((await desk.call('GET', '/v1/moderation')).json).toEqual(set.json);
    expect(await desk.call('PUT', '/v1/moderation', {}, { 'if-match': '"v1"' })).toMatchObject({
      status: 412,
      json: { code: 'precondition-failed' },
    });
  });

  it('let one of many that write at once win', async () => {
    const desk = await aDesk();
    const answers = await Promise.all(Array.from({ length: 6 }, () => desk.call('PUT', '/v1/moderation', {}, { 'if-match': '"v1"' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412]);
  });

  it.each([
    ['a * in the middle', { blockList: { entries: ['a*b'] } }],
    ['an entry without a letter', { blockList: { entries: ['🍆'] } }],
    ['an entry that is too long', { blockList: { entries: ['x'.repeat(65)] } }],
    ['too many entries', { blockList: { entries: Array.from({ length: 501 }, (_, index) => `word${String(index)}`) } }],
    ['another action', { blockList: { action: 'shout' } }],
    ['an unknown field', { blocklist: {} }],
    ['an amount that is a float', { acceptance: { tokens: [{ chainId: 1, token: `0x${'00'.repeat(20)}`, min: '1.5' }] } }],
    ['a token twice', { acceptance: { tokens: Array.from({ length: 2 }, () => ({ chainId: 1, token: `0x${'00'.repeat(20)}` })) } }],
    ['longer messages than there are', { maxMessageChars: 281 }],
  ])('are refused with %s', async (_what, rules) => {
    const desk = await aDesk();
    expect((await put(desk, rules)).status).toBe(400);
  });

  it('tell of waiting tips at once when they let them', async () => {
    const desk = await aDesk();
    await put(desk, { mode: 'hold' });
    const [id = ''] = await desk.tip('kind');
    expect(idsOf(await desk.call('GET', '/v1/alerts'))).toEqual([id]);
    await put(desk, {});
    expect(idsOf(await desk.call('GET', '/v1/alerts'))).toEqual([id]);
    api.relay.drained.length = 0;
    await desk.tip('kinder');
    expect((await api.app.get(TipLedger, { strict: false }).eventsAfter(desk.id, 0, 10)).map(({ type }) => type)).toEqual([
      'config',
      'tip',
    ]);
  });
});

describe('the queue of alerts', () => {
  it('shows a moderator what was said and what would be seen, and why it is held', async () => {
    const desk = await aDesk();
    await put(desk, { mode: 'hold', stripLinks: true, hideSenders: true });
    const [id] = await desk.tip('see example.com');
    const { json } = await desk.call('GET', '/v1/alerts?state=held');
    expect(json).toMatchObject({
      data: [
        {
          id,
          state: 'held',
          reason: 'hold-all',
          tipState: 'confirmed',
          original: { message: 'see example.com' },
          shown: { message: 'see', name: 'Someone', from: `0x${'00'.repeat(20)}` },
        },
      ],
      page: { next: null, hasMore: false },
    });
  });

  it('lets people decide once, and says what was decided to who comes later', async () => {
    const desk = await aDesk();
    await put(desk, { mode: 'hold' });
    const [first = '', second = ''] = await desk.tip('one', 'two');
    for (let n = 0; n < 2; n += 1) {
      expect(await desk.call('POST', `/v1/alerts/${first}/approve`)).toMatchObject({
        status: 200,
        json: { state: 'shown', reason: 'person' },
      });
      expect(await desk.call('POST', `/v1/alerts/${second}/reject`)).toMatchObject({ status: 200, json: { state: 'rejected' } });
    }
    expect(await desk.call('POST', `/v1/alerts/${second}/approve`)).toMatchObject({
      status: 409,
      json: { code: 'alert-settled', detail: 'The tip is rejected.' },
    });
    expect(await desk.call('POST', `/v1/alerts/${first}/reject`)).toMatchObject({ status: 409, json: { detail: 'The tip is shown.' } });
    expect(idsOf(await desk.call('GET', '/v1/alerts?state=shown'))).toEqual([first]);
    expect(idsOf(await desk.call('GET', '/v1/alerts?state=rejected'))).toEqual([second]);
    expect(idsOf(await desk.call('GET', '/v1/alerts'))).toEqual([]);
    expect(api.relay.drained).toContain(desk.id);
  });

  it('keeps no text of a stranger in an answer that is to be repeated', async () => {
    const desk = await aDesk();
    await put(desk, { mode: 'hold' });
    const [first = '', second = ''] = await desk.tip('a secret word', 'a secret word');
    for (const [path, status] of [
      [`${first}/approve`, 200],
      [`${second}/reject`, 200],
      [`${first}/replay`, 202],
    ] as const) {
      const answers = [0, 1].map(() => desk.call('POST', `/v1/alerts/${path}`, {}, { 'idempotency-key': path }));
      for (const answer of await Promise.all(answers)) expect([status, 409]).toContain(answer.status);
      expect((await desk.call('POST', `/v1/alerts/${path}`, {}, { 'idempotency-key': path })).status).toBe(status);
    }
    expect(JSON.stringify(await api.sql('SELECT k::text FROM idempotency_keys k'))).not.toContain('a secret word');
  });

  it('plays a shown tip once more, and no other', async () => {
    const desk = await aDesk();
    const [id = ''] = await desk.tip('one');
    const replay = await desk.call('POST', `/v1/alerts/${id}/replay`);
    expect(replay.status).toBe(202);
    await put(desk, { mode: 'hold' });
    const [held = ''] = await desk.tip('two');
    expect((await desk.call('POST', `/v1/alerts/${held}/replay`)).status).toBe(409);
    const stats = await desk.call('GET', '/v1/tips');
    expect(idsOf(stats)).toHaveLength(2);
  });

  it('is nobody else’s', async () => {
    const desk = await aDesk();
    await put(desk, { mode: 'hold' });
    const [id = ''] = await desk.tip('one');
    const stranger = await aDesk();
    for (const act of ['approve', 'reject', 'replay']) expect((await stranger.call('POST', `/v1/alerts/${id}/${act}`)).status).toBe(404);
    expect(idsOf(await stranger.call('GET', '/v1/alerts'))).toEqual([]);
  });

  it.each(['x', '1-0x12-0', `0-0x${'00'.repeat(32)}-0`, `1-0x${'00'.repeat(32)}-4294967296`, `1-0x${'00'.repeat(32)}-00`])(
    'answers “%s”, which is no id, with 404',
    async (id) => {
      const desk = await aDesk();
      expect((await desk.call('POST', `/v1/alerts/${encodeURIComponent(id)}/approve`)).status).toBe(404);
    },
  );

  it('answers an id of nothing with 404', async () => {
    const desk = await aDesk();
    expect((await desk.call('POST', `/v1/alerts/999999999999999-0x${'00'.repeat(32)}-2147483647/approve`)).status).toBe(404);
    expect((await desk.call('GET', '/v1/alerts?cursor=bm9wZQ')).json).toMatchObject({ code: 'invalid-cursor' });
  });
});

describe('the pages', () => {
  it('are told to pause and mute, those too that connect later', async () => {
    const desk = await aDesk();
    expect((await desk.call('GET', '/v1/queue')).json).toEqual({ paused: false, muted: false });
    expect(await desk.call('PUT', '/v1/queue', { paused: true, muted: false })).toMatchObject({ status: 200, json: { paused: true } });
    expect((await desk.call('GET', '/v1/queue')).json).toEqual({ paused: true, muted: false });
    const ledger = api.app.get(TipLedger, { strict: false });
    expect((await ledger.eventsAfter(desk.id, 1, 10)).at(-1)).toMatchObject({
      type: 'config',
      d: { config: { paused: true, muted: false } },
    });
    expect((await ledger.snapshot(desk.id, 5))?.grants).toMatchObject([{ config: { paused: true, muted: false } }]);
    await desk.call('POST', '/v1/overlays', { name: 'second' });
    expect((await ledger.eventsAfter(desk.id, 1, 10)).at(-1)).toMatchObject({ type: 'config', d: { config: { paused: true } } });
    const told = (await ledger.eventsAfter(desk.id, 1, 10)).length;
    await desk.call('PUT', '/v1/queue', { paused: true, muted: false });
    expect(await ledger.eventsAfter(desk.id, 1, 10)).toHaveLength(told);
    await desk.call('PUT', '/v1/queue', { paused: false, muted: false });
    expect(await ledger.eventsAfter(desk.id, 1, 10)).toHaveLength(told + 2);
    const grants = (await ledger.snapshot(desk.id, 5))?.grants.map(({ config }) => config);
    expect(grants).toMatchObject([{ paused: false }, { paused: false }]);
    expect((await desk.call('GET', `/v1/overlays/${desk.overlayId}`)).text).not.toContain('paused');
  });

  it('are told to skip and to clear', async () => {
    const desk = await aDesk();
    for (const action of ['skip', 'clear']) expect((await desk.call('POST', `/v1/queue/${action}`)).status).toBe(202);
    const events = await api.app.get(TipLedger, { strict: false }).eventsAfter(desk.id, 1, 10);
    expect(events).toMatchObject([
      { seq: 2, type: 'control', d: { action: 'skip' } },
      { seq: 3, type: 'control', d: { action: 'clear' } },
    ]);
  });
});

describe('scopes', () => {
  it('let a moderator decide and look, nobody with less, and him no more than that', async () => {
    const desk = await aDesk();
    await put(desk, { mode: 'hold' });
    const [first = '', second = ''] = await desk.tip('one', 'two');
    const tokenWith = async (...scopes: Scope[]): Promise<string> => {
      const token = newAccessToken();
      const made = { creatorId: desk.id, hash: hashAccessToken(token), name: 'a token', scopes };
      await api.app.get(AccessTokens, { strict: false }).create(made, 10);
      return token;
    };
    const [moderator, writer] = [await tokenWith('read', 'moderate'), await tokenWith('read', 'write')];
    const asked = [
      ['POST', '/v1/queue/skip', undefined, 202],
      ['POST', '/v1/queue/clear', undefined, 202],
      ['PUT', '/v1/queue', { paused: false, muted: true }, 200],
      ['POST', `/v1/alerts/${first}/reject`, undefined, 200],
      ['POST', `/v1/alerts/${second}/approve`, undefined, 200],
      ['POST', `/v1/alerts/${second}/replay`, undefined, 202],
    ] as const;
    for (const [method, path, body, status] of asked) {
      const options = { headers: { 'if-match': '*' }, ...(body !== undefined && { body }) };
      expect((await api.call(method, path, { ...options, token: writer })).status, `${method} ${path}`).toBe(403);
      expect((await api.call(method, path, { ...options, token: moderator })).status, `${method} ${path}`).toBe(status);
    }
    for (const path of ['/v1/alerts', '/v1/moderation', '/v1/queue'])
      expect((await api.call('GET', path, { token: moderator })).status).toBe(200);
    for (const [method, path, body, status] of [
      ['PUT', '/v1/moderation', { mode: 'hold' }, 200],
      ['DELETE', `/v1/tips/${second}/message`, undefined, 204],
    ] as const) {
      const options = { headers: { 'if-match': '*' }, ...(body !== undefined && { body }) };
      expect((await api.call(method, path, { ...options, token: moderator })).status, `${method} ${path}`).toBe(403);
      expect((await api.call(method, path, { ...options, token: writer })).status, `${method} ${path}`).toBe(status);
    }
    expect((await api.call('GET', '/v1/webhooks', { token: moderator })).status).toBe(403);
  });
});
