import { TipLedger, shortAddress, tipId, toHex, type BlockHeader, type Hex } from '@droppio/tips';
import { aBlock, aChildOf, aDisplay, aTip, randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { readDocument, startTestApi, type Answer, type ApiDocument, type TestApi, type TestCreator } from '../testing/index.js';

const chainId = 31_337;
const NATIVE = `0x${'00'.repeat(20)}`;
const ETH = { unit: 'token', chainId, token: NATIVE, symbol: 'ETH', decimals: 18 };
let api: TestApi;
let document: ApiDocument;
let ledger: TipLedger;
let me: TestCreator;
let wallet: Hex;
let head: BlockHeader;

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'), { live: {} });
  document = readDocument((await api.call('GET', '/openapi.json')).json);
  ledger = api.app.get(TipLedger, { strict: false });
  head = aBlock({ number: 1, timestampMs: Date.now() - 60_000 });
  await ledger.begin(chainId, head, 1);
});
afterAll(async () => {
  await api.close();
});
beforeEach(async () => {
  wallet = randomHex(20);
  me = await api.aCreator(wallet);
});

async function show(config: object): Promise<void> {
  const body = { schemaVersion: 1, ...config };
  const { status, json } = await api.call('PUT', `/v1/overlays/${me.overlayId}/config`, {
    ...{ token: me.accessToken, body },
    headers: { 'if-match': '*' },
  });
  expect([status, json]).toEqual([200, expect.anything()]);
}

/** One block with a tip of each of these many wei. */
async function tipped(...amounts: readonly bigint[]): Promise<readonly Hex[]> {
  const tips = amounts.map((amount, logIndex) => {
    const tip = aTip({ creator: wallet, logIndex, amount, message: `<b>${String(amount)}</b>` });
    const id = tipId({ chainId, txHash: tip.txHash, ordinal: 0 });
    return { ...tip, display: aDisplay({ ...tip.display, tipId: id, message: tip.message, from: tip.from, name: shortAddress(tip.from) }) };
  });
  head = aChildOf(head);
  await ledger.commit(chainId, 1, { block: head, seenAtMs: Date.now(), tips, quarantined: [] });
  return tips.map(({ from }) => toHex(from));
}
const ask = (query = '', token = me.overlayToken): Promise<Answer> => api.call('GET', `/v1/overlay/widget${query}`, { token });
async function widget(): Promise<Record<string, unknown>> {
  const place = await ledger.position(me.id);
  const { status, json } = await ask(`?after=${String(place?.epoch)}.${String(place?.seq)}`);
  expect(status).toBe(200);
  document.check('getOverlayWidget', status, json);
  expect(json).toMatchObject(place === undefined ? {} : { epoch: place.epoch, seq: place.seq });
  return json as Record<string, unknown>;
}

describe('the widget of an overlay', () => {
  it('has nothing to count where the overlay shows alerts', async () => {
    expect((await ask()).json).toEqual({ widget: 'alerts' });
  });

  it('counts a goal in one token from its beginning on, and takes back what the chain takes back', async () => {
    const since = new Date(head.timestampMs + 3000).toISOString();
    await tipped(1000n);
    await show({ widget: 'goal', goal: { ...ETH, target: '5000', since } });
    const before = head;
    await tipped(20n, 30n);
    await tipped(7n);
    expect(await widget()).toMatchObject({ widget: 'goal', amount: '57', tips: 3, since: Date.parse(since) });
    const other = aChildOf(before);
    await ledger.reorganise(chainId, 1, {
      from: head,
      ancestor: before,
      branch: [{ block: other, seenAtMs: 1, tips: [], quarantined: [] }],
    });
    head = other;
    expect(await widget()).toMatchObject({ amount: '0', tips: 0 });
    await show({ widget: 'goal', goal: { ...ETH, target: '5000' } });
    expect(await widget()).toMatchObject({ amount: '1000', tips: 1, since: null });
  });

  it('counts no test, no replay and nothing that is held, and shows none of their words', async () => {
    await show({ widget: 'ticker' });
    await tipped(5n);
    const { tips } = (await widget()) as { tips: { tipId: string }[] };
    await api.call('POST', `/v1/alerts/${String(tips[0]?.tipId)}/replay`, { token: me.accessToken });
    await api.call('POST', `/v1/overlays/${me.overlayId}/test`, { token: me.accessToken, body: { message: 'tested' } });
    await api.call('PUT', '/v1/moderation', { token: me.accessToken, body: { mode: 'hold' }, headers: { 'if-match': '*' } });
    await tipped(6n);
    await ledger.screen(me.id);
    expect((await widget())['tips']).toEqual(tips);
    await show({ widget: 'goal', goal: { ...ETH, target: '1' } });
    expect(await widget()).toMatchObject({ amount: '5', tips: 1 });
  });

  it('shows messages only where the ticker does, and none that was erased', async () => {
    await show({ widget: 'ticker' });
    await tipped(1n);
    await tipped(2n);
    const messages = async (): Promise<string[]> =>
      ((await widget()) as { tips: { message: string }[] }).tips.map(({ message }) => message);
    expect(await messages()).toEqual(['<b>2</b>', '<b>1</b>']);
    const { tips } = (await widget()) as { tips: { tipId: string }[] };
    await api.call('DELETE', `/v1/tips/${String(tips[0]?.tipId)}/message`, { token: me.accessToken });
    expect(await messages()).toEqual(['', '<b>1</b>']);
    await show({ widget: 'ticker', ticker: { showMessages: false } });
    expect(await messages()).toEqual(['', '']);
  });

  it('ranks who tipped, and names nobody once senders are hidden', async () => {
    await show({ widget: 'top', top: { ...ETH, period: 'day' } });
    const [first, second] = await tipped(10n, 30n);
    expect(await widget()).toMatchObject({
      isWhole: true,
      tippers: [
        { from: second, name: shortAddress(second ?? ''), amount: '30', tips: 1 },
        { from: first, amount: '10', tips: 1 },
      ],
    });
    await api.call('PUT', '/v1/moderation', { token: me.accessToken, body: { hideSenders: true }, headers: { 'if-match': '*' } });
    await tipped(50n);
    await ledger.screen(me.id);
    expect(await widget()).toMatchObject({ tippers: [] });
    await show({ widget: 'ticker' });
    const { tips } = (await widget()) as { tips: { name: string }[] };
    expect(new Set(tips.map(({ name }) => name))).toEqual(new Set(['Someone']));
  });

  it('is nobody’s but the overlay’s', async () => {
    await show({ widget: 'goal', goal: { ...ETH, target: '1' } });
    expect((await ask('', me.accessToken)).status).toBe(403);
    const other = await api.aCreator(randomHex(20));
    expect((await ask('', other.overlayToken)).json).toEqual({ widget: 'alerts' });
    await api.call('POST', `/v1/overlays/${me.overlayId}/token/rotate`, { token: me.accessToken });
    expect((await ask()).status).toBe(401);
  });

  it.each(['?after=x', '?after=epoch.-1', '?what=1', '?after=epoch.1&after=epoch.2'])('refuses %s', async (query) => {
    expect((await ask(query)).status).toBe(400);
  });
});
