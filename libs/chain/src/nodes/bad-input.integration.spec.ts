import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import { openTestStorage, type TestStorage } from '@droppio/storage/testing';
import { NATIVE_TOKEN, type ChainLog, type Creator, type Hex } from '@droppio/tips';
import { ManualClock, randomHex, randomInt } from '@droppio/tips/testing';
import { encodeAbiParameters, parseAbiParameters } from 'viem';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import type { ChainSettings } from '../chain-settings.js';
import type { ChainFollower } from '../follow/chain-follower.js';
import { unregisteredMetrics } from '../metrics.js';
import { FakeNode, type Answerer, type Reply } from '../testing/fake-node.js';
import { followed, JAR, testChain } from '../testing/follow-kit.js';
import { aTx, ScriptedChain, type ScriptedTx } from '../testing/scripted-chain.js';
import { blockOf, honestly, logOf } from '../testing/scripted-node.js';
import { aRawTip, aTipLog } from '../testing/tip-log.js';
import { RpcEndpoint } from './rpc-endpoint.js';
import { ViemChainReader } from './viem-chain-reader.js';

Logger.overrideLogger(false);

/*
 * Everything that nodes and payers may do to us, from the wire to Postgres: none of it stops a chain, and none of it shows on an overlay. What
 * an overlay would be told is the creator's stream of events; every case ends with an honest tip that must come through.
 */
let storage: TestStorage;
let creator: Creator;
let wallet: Hex;
let chain: ScriptedChain;
let nodes: FakeNode[];
let follower: ChainFollower;

beforeAll(async () => {
  storage = await openTestStorage(inject('postgresUrl'));
});
afterAll(() => storage.drop());
beforeEach(async () => {
  wallet = randomHex(20);
  creator = await storage.directory.createCreator({ handle: `c-${randomHex(8).slice(2)}`, displayName: 'Ada', wallets: [wallet] });
  nodes = [];
  chain = new ScriptedChain(1 + randomInt(1_000_000_000), JAR);
  chain.mine();
});
afterEach(async () => {
  await follower.stop();
  await Promise.all(nodes.map((node) => node.stop()));
});

const honest: Answerer = (question) => honestly(chain, question);
const liar =
  (method: string, lie: (truth: () => Promise<Reply>) => Reply | Promise<Reply>): Answerer =>
  (question) =>
    question.method === method ? lie(() => honest(question) as Promise<Reply>) : honest(question);
const page = (status: number, body: string, headers: Record<string, string> = {}): Reply => ({
  raw: (response) => response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body),
});

const someLogs = z.array(z.looseObject({ blockHash: z.string(), blockNumber: z.string() }));
const logsIn = (reply: Reply) => ('result' in reply ? (someLogs.safeParse(reply.result).data ?? []) : []);

async function listenTo(answers: readonly Answerer[], fields: Partial<ChainSettings> = {}): Promise<void> {
  await Promise.all(nodes.map((node) => node.stop()));
  nodes = await Promise.all(answers.map((answer) => FakeNode.start(answer)));
  const settings = testChain({ chainId: chain.chainId, rpcUrls: nodes.map((node) => node.url), pollMs: 50, ...fields });
  const reader = new ViemChainReader(settings, new SystemClock(), unregisteredMetrics());
  follower = followed(reader, storage.ledger, { chain: settings });
  await expect.poll(async () => (await storage.ledger.cursor(chain.chainId))?.hash, { timeout: 15_000 }).toBe(chain.tip.hash);
}

const tipOf = (message: string, fields: Parameters<typeof aRawTip>[0] = {}): ScriptedTx =>
  aTx(aRawTip({ creator: wallet, amount: 7n, message, ...fields }));
const messages = async (): Promise<string[]> =>
  (await storage.ledger.eventsAfter(creator.id, 0, 1000)).map((event) => (event.type === 'tip' ? event.d.message : event.type));
const stored = async (): Promise<string[]> =>
  (await storage.archive.list({ creatorId: creator.id, limit: 200 })).tips.map(({ message }) => message);
const aside = async (): Promise<number> =>
  (await storage.ledger.sightings(chain.chainId, 0, chain.tip.number)).filter(({ tip }) => tip === undefined).length;

/** Mines an honest tip; afterwards the overlay has been told just these messages, in order. */
async function endsWith(...told: readonly string[]): Promise<void> {
  chain.mine(tipOf('after'));
  await expect.poll(messages, { timeout: 20_000, interval: 20 }).toContain('after');
  await expect.poll(async () => (await storage.ledger.cursor(chain.chainId))?.hash, { timeout: 5000 }).toBe(chain.tip.hash);
  expect(await messages()).toEqual([...told, 'after']);
  expect(follower.notReady()).toBeUndefined();
}

describe('a node that lies', () => {
  const quorum: ChainSettings['quorum'] = { above: [{ token: NATIVE_TOKEN, amount: 0n }], finalized: true };
  const forging: Answerer = async (question) => {
    const told = logsIn(await honest(question));
    if (question.method !== 'eth_getLogs' || told[0] === undefined) return honest(question);
    const { blockHash, blockNumber } = told[0];
    const forged = logOf(aTipLog(aRawTip({ creator: wallet, message: 'forged' })));
    return { result: [...told, { ...forged, blockHash, blockNumber, logIndex: '0x63' }] };
  };

  it.each([0, 1, 2])('forges a log, one of three providers (%i): with a quorum it is neither stored nor shown', async (place) => {
    const answers = [honest, honest];
    answers.splice(place, 0, forging);
    await listenTo(answers, { quorum });
    chain.mine(tipOf('before'));
    await endsWith('before');
    expect(await stored()).toEqual(['after', 'before']);
  });

  it('forges a log, one of two providers: with a quorum nothing of the block is shown until they agree', async () => {
    await listenTo([forging, honest], { quorum });
    const height = chain.tip.number;
    chain.mine(tipOf('before'));
    await expect.poll(() => nodes.map((node) => node.count('eth_getLogs')).every((count) => count >= 2)).toBe(true);
    expect((await storage.ledger.cursor(chain.chainId))?.number).toBe(height);
    expect(await messages()).toEqual([]);
    const [first] = nodes;
    if (first !== undefined) first.answer = honest;
    await endsWith('before');
  });

  it('serves another chain: its tips are never shown', async () => {
    const other = new ScriptedChain(chain.chainId + 1, JAR);
    for (let n = 0; n < 40; n += 1) other.mine(tipOf('of another chain'));
    await listenTo([(question) => honestly(other, question), honest]);
    chain.mine(tipOf('before'));
    await endsWith('before');
  });

  it('begins to serve another chain: its tips are never shown', async () => {
    const other = new ScriptedChain(chain.chainId + 1, JAR);
    for (let n = 0; n < 40; n += 1) other.mine(tipOf('of another chain'));
    await listenTo([honest, honest]);
    chain.mine(tipOf('before'));
    await expect.poll(messages, { timeout: 5000 }).toEqual(['before']);
    // Identities that were asked just now are not asked again.
    await new SystemClock().sleep(3200);
    const [first] = nodes;
    if (first !== undefined) first.answer = (question) => honestly(other, question);
    await endsWith('before');
  });

  it.each<[string, string, (truth: () => Promise<Reply>) => Reply | Promise<Reply>]>([
    ['has no logs for a block that holds some', 'eth_getLogs', () => ({ result: [] })],
    ['has null for logs', 'eth_getLogs', () => ({ result: null })],
    ['has null for blocks by hash', 'eth_getBlockByHash', () => ({ result: null })],
    ['has null for every block', 'eth_getBlockByNumber', () => ({ result: null })],
    ['tells a pending block', 'eth_getBlockByNumber', () => ({ result: { ...blockOf(chain.tip), number: null, hash: null } })],
    ['answers with a web page', 'eth_getLogs', () => page(200, '<html>cloud</html>')],
    ['answers heads with a web page', 'eth_getBlockByNumber', () => page(502, '<html>bad gateway</html>')],
    ['answers with truncated JSON', 'eth_getLogs', () => page(200, '{"jsonrpc":"2.0","id":1,"result":[{"addr')],
    ['answers heads with truncated JSON', 'eth_getBlockByNumber', () => page(200, '{"jsonrpc":"2.0","result":{"num')],
    ['has been asked too often', 'eth_getLogs', () => page(429, '', { 'retry-after': '3600' })],
    [
      'tells logs of the same topic from another contract',
      'eth_getLogs',
      () => ({ result: [logOf({ ...anyLog(), address: randomHex(20) })] }),
    ],
    ['tells a log of another block', 'eth_getLogs', () => ({ result: [logOf({ ...anyLog(), blockHash: randomHex(32) })] })],
    ['tells every log twice', 'eth_getLogs', async (truth) => twice(await truth())],
  ])('%s: the tip comes from the other node, once', async (_, method, lie) => {
    await listenTo([liar(method, lie), honest]);
    chain.mine(tipOf('before'));
    await endsWith('before');
  });

  const anyLog = (): ChainLog => ({
    ...aTipLog(aRawTip({ creator: wallet, message: 'forged' })),
    blockHash: chain.tip.hash,
    blockNumber: chain.tip.number,
  });
  const twice = (reply: Reply): Reply => ({ result: [...logsIn(reply), ...logsIn(reply)] });

  it.each<[string, Reply]>([
    ['a web page', page(200, '<html/>')],
    ['truncated JSON', page(200, '{"jsonrpc":"2.0","id":1,"resu')],
    ['null', { result: null }],
    ['an error', { error: { code: -32000, message: 'header not found' } }],
    ['too many requests, once', page(429, '', { 'retry-after': '1' })],
  ])('is the only one and answers with %s for a while: nothing is lost', async (_, reply) => {
    let lies = 0;
    await listenTo([liar('eth_getLogs', (truth) => ((lies += 1) <= 3 ? reply : truth()))]);
    chain.mine(tipOf('one'), tipOf('two'));
    await endsWith('one', 'two');
    expect(lies).toBeGreaterThan(3);
  });

  it('asks for patience (429 with Retry-After): it gets just that, and the others do its work', async () => {
    let refusedAt = 0;
    const after: number[] = [];
    let isBusy = false;
    const busy: Answerer = (question) => {
      const at = performance.now();
      // What was on its way already is none of ours.
      if (refusedAt > 0 && at > refusedAt + 100) after.push(at - refusedAt);
      if (!isBusy) return honest(question);
      isBusy = false;
      refusedAt = at;
      return page(429, '', { 'retry-after': '2' });
    };
    await listenTo([busy, honest]);
    isBusy = true;
    chain.mine(tipOf('before'));
    await endsWith('before');
    await expect.poll(() => after.length, { timeout: 5000 }).toBeGreaterThan(0);
    expect(after[0]).toBeGreaterThan(1900);
  });

  it('asks for an hour of patience: it gets half a minute', async () => {
    const clock = new ManualClock();
    let isBusy = true;
    nodes = [await FakeNode.start((question) => (isBusy ? page(429, '', { 'retry-after': '3600' }) : honest(question)))];
    const endpoint = new RpcEndpoint(nodes[0]?.url ?? '', 'one', clock, unregisteredMetrics().rpc);
    const ask = () => endpoint.ask({ method: 'eth_chainId', params: [], parse: Number });
    await expect(ask()).rejects.toMatchObject({ kind: 'throttled' });
    isBusy = false;
    clock.advance(28_000);
    await expect(ask()).rejects.toMatchObject({ kind: 'busy' });
    clock.advance(2000);
    await expect(ask()).resolves.toBe(chain.chainId);
    expect(nodes[0]?.count('eth_chainId')).toBe(2);
    await listenTo([honest]);
    await endsWith();
  });
});

describe('a payer who lies', () => {
  it('pays in a token of his own with a known symbol: stored, never shown', async () => {
    const usdc: Hex = randomHex(20);
    await listenTo([honest], { tokens: [{ address: usdc, symbol: 'USDC', decimals: 6 }] });
    chain.mine(tipOf('fake', { token: randomHex(20), amount: 10n ** 30n }));
    chain.mine(tipOf('real', { token: usdc }));
    await endsWith('real');
    expect(await stored()).toContain('fake');
  });

  it('pays nothing: set aside, never shown', async () => {
    await listenTo([honest]);
    chain.mine(tipOf('nothing', { amount: 0n }));
    await endsWith();
    expect([await stored(), await aside()]).toEqual([['after'], 1]);
  });

  it('writes the same event from a contract of his own: not stored, not shown', async () => {
    await listenTo([honest]);
    const other = { ...aTipLog(aRawTip({ creator: wallet, message: 'from elsewhere' })), address: randomHex(20) };
    chain.mine({ hash: randomHex(32), tips: [], logs: [other] }, tipOf('beside it'));
    await endsWith('beside it');
    expect([(await stored()).sort(), await aside()]).toEqual([['after', 'beside it'], 0]);
  });

  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  /** A log whose message is just these bytes: the contract checks no more than their number. */
  const poison = (bytes: Uint8Array): ScriptedTx => {
    const tip = aRawTip({ creator: wallet, amount: 7n });
    const layout = parseAbiParameters('address token, uint256 amount, bytes message, bytes32 ref');
    const data = encodeAbiParameters(layout, [tip.token, tip.amount, `0x${Buffer.from(bytes).toString('hex')}`, tip.ref]);
    return { hash: randomHex(32), tips: [], logs: [{ ...aTipLog(tip), data, address: JAR }] };
  };

  it.each<[string, Uint8Array, string]>([
    ['control characters', text('a\u0000b\u0007c\u001bd\u007fe'), 'abcde'],
    ['nothing but NUL', new Uint8Array(280), ''],
    ['bidi overrides', text('\u202egnp.exe\u202c\u2066hidden\u2069'), 'gnp.exehidden'],
    ['280 bytes of right-to-left text', text('א'.repeat(140)), 'א'.repeat(140)],
    ['280 bytes of joiners', text('\u200d'.repeat(93)), ''],
    ['zero-width spaces within words', text('g\u200bg'), 'gg'],
    ['a flood of combining marks', text(`Z${'\u0301'.repeat(139)}`), `Z${'\u0301'.repeat(4)}`],
    ['markup', text('<img src=x onerror=alert(1)>'), '<img src=x onerror=alert(1)>'],
    ['thousands of lines', text('\n'.repeat(279)), ''],
  ])('writes %s: told without what could hurt', async (_, bytes, cleaned) => {
    await listenTo([honest]);
    chain.mine(poison(bytes));
    await endsWith(cleaned.normalize('NFC'));
    expect(await aside()).toBe(0);
  });

  it.each<[string, Uint8Array]>([
    ['bytes that are no UTF-8', Uint8Array.of(0xff, 0xfe, 0xc0, 0x80)],
    ['lone surrogates', Uint8Array.of(0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80)],
    ['an overlong NUL', Uint8Array.of(0x61, 0xc0, 0x80)],
    ['a cut-off character', Uint8Array.of(0x67, 0x67, 0xf0, 0x9f, 0x92)],
    ['a megabyte, past the contract', new Uint8Array(1_000_000).fill(0x61)],
  ])('writes %s: set aside, never shown', async (_, bytes) => {
    await listenTo([honest]);
    chain.mine(poison(bytes), tipOf('beside it'));
    await endsWith('beside it');
    expect([(await stored()).sort(), await aside()]).toEqual([['after', 'beside it'], 1]);
  });

  it.each<[string, (log: ChainLog) => ChainLog]>([
    ['data that ends in the middle', (log) => ({ ...log, data: `0x${log.data.slice(2, 130)}` })],
    ['no data at all', (log) => ({ ...log, data: '0x' })],
    ['a message that says it is longer than the log', (log) => ({ ...log, data: `0x${log.data.slice(2, 2 + 256)}${'f'.repeat(64)}` })],
    ['too few topics', (log) => ({ ...log, topics: log.topics.slice(0, 2) })],
    ['an address wider than 20 bytes', (log) => ({ ...log, topics: [...log.topics.slice(0, 2), randomHex(32)] })],
  ])('writes an event with %s: set aside, never shown', async (_, broken) => {
    await listenTo([honest]);
    chain.mine({ hash: randomHex(32), tips: [], logs: [broken({ ...aTipLog(aRawTip({ creator: wallet })), address: JAR })] });
    await endsWith();
    expect([await stored(), await aside()]).toEqual([['after'], 1]);
  });

  it('pays more than any number that a float or an int8 can hold: told to the last unit', async () => {
    await listenTo([honest]);
    chain.mine(tipOf('all of it', { amount: 2n ** 256n - 1n }));
    await endsWith('all of it');
    const [tip] = (await storage.ledger.eventsAfter(creator.id, 0, 1)).flatMap((event) =>
      event.type === 'tip' ? [event.d.amount.raw] : [],
    );
    expect(tip).toBe(String(2n ** 256n - 1n));
  });
});
