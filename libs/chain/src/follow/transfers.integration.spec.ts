import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import { PostgresWalletRegister } from '@droppio/storage';
import { openTestStorage, type TestStorage } from '@droppio/storage/testing';
import { deployTipJar, DevChain, openWallet, sendTip, sendTokenTip, type TipWallet } from '@droppio/tip-jar';
import {
  collectibleAbi,
  collectibleBytecode,
  deployContract,
  deployToken,
  eventTokenAbi,
  eventTokenBytecode,
  feeEventTokenBytecode,
  refusingCreatorBytecode,
  transferBatchAbi,
  transferBatchBytecode,
} from '@droppio/tip-jar/testing';
import { NATIVE_TOKEN, type Creator, type Hex, type StoredTip, type TipEvent } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { createTestClient, http, publicActions } from 'viem';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { ChainSettings } from '../chain-settings.js';
import { unregisteredMetrics } from '../metrics.js';
import { ViemChainReader } from '../nodes/viem-chain-reader.js';
import { followed, NotingRelay, testChain } from '../testing/follow-kit.js';
import { isTransfer } from '../tip-ordinal.js';
import { WatchList } from '../watch-list.js';
import { WatchMetrics } from '../watch-metrics.js';
import type { ChainFollower } from './chain-follower.js';

Logger.overrideLogger(false);

let chain: DevChain;
let wallet: TipWallet;
let jar: Hex;
let token: Hex;
let fee: Hex;
let storage: TestStorage;
let ada: Creator;
let running: { stop: () => Promise<void> }[];

const node = () => createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl, { retryCount: 0 }) }).extend(publicActions);
const anvil = (method: string, params: readonly unknown[]): Promise<unknown> =>
  node().request<{ Method: string; Parameters: readonly unknown[]; ReturnType: unknown }>({ method, params });
const aCreator = (address: Hex = randomHex(20)): Promise<Creator> =>
  storage.directory.createCreator({ handle: `c-${randomHex(8).slice(2)}`, displayName: 'Ada', wallets: [address] });
const walletOf = ({ wallets: [address = NATIVE_TOKEN] }: Creator): Hex => address;

beforeEach(async () => {
  chain = await DevChain.start();
  storage = await openTestStorage(inject('postgresUrl'));
  const [account] = chain.accounts;
  if (account === undefined) throw new Error('a dev chain has accounts');
  wallet = await openWallet({ rpcUrl: chain.rpcUrl, privateKey: account.privateKey, pollMs: 5 });
  jar = await deployTipJar(wallet);
  token = await deployToken(wallet, 10_000_000n, eventTokenBytecode);
  fee = await deployToken(wallet, 10_000_000n, feeEventTokenBytecode);
  ada = await aCreator();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((part) => part.stop()));
  await storage.drop();
  await chain.stop();
});

async function follow(fields: Partial<ChainSettings> = {}): Promise<ChainFollower> {
  const tokens = [token, fee].map((address, nth) => ({ address, symbol: nth === 0 ? 'USDC' : 'FEE', decimals: 6 }));
  const settings = testChain({
    chainId: 31337,
    rpcUrls: [chain.rpcUrl],
    wsUrls: [chain.wsUrl],
    tipJar: jar,
    tokens,
    pollMs: 50,
    startBlock: Number((await node().getBlock()).number) + 1,
    ...fields,
  });
  const clock = new SystemClock();
  const watch = new WatchList(new PostgresWalletRegister(storage.database), clock, WatchMetrics.unregistered());
  const stopping = new AbortController();
  const keeping = watch.keep(stopping.signal);
  const reader = new ViemChainReader(settings, clock, unregisteredMetrics());
  const follower = followed(reader, storage.ledger, { chain: settings, relay: new NotingRelay(), watch });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all([follower.stop(), keeping]);
  };
  running.push({ stop });
  return follower;
}

const mined = async (hash: Hex): Promise<Hex> => (await wallet.waitForTransactionReceipt({ hash })).transactionHash;
const pay = async (to: Hex, amount: bigint, from: Hex = token): Promise<Hex> =>
  mined(await wallet.writeContract({ address: from, abi: eventTokenAbi, functionName: 'transfer', args: [to, amount] }));
const send = async (to: Hex, value: bigint): Promise<Hex> => mined(await wallet.sendTransaction({ to, value, gas: 100_000n }));
const tipsOf = async (creator: Creator): Promise<readonly StoredTip[]> =>
  (await storage.archive.list({ creatorId: creator.id, limit: 200 })).tips;
const eventsOf = async (creator: Creator): Promise<readonly TipEvent[]> =>
  (await storage.ledger.eventsAfter(creator.id, 0, 1000)).filter((event): event is TipEvent => event.type.startsWith('tip'));
const told = async (creator: Creator): Promise<string[]> => (await eventsOf(creator)).map(({ type, d }) => `${type} ${d.amount.raw}`);
const caughtUp = async (): Promise<void> => {
  await expect
    .poll(async () => (await storage.ledger.cursor(31337))?.hash, { interval: 10, timeout: 10_000 })
    .toBe((await node().getBlock({ blockTag: 'latest' })).hash);
};

describe('transfers of listed tokens on anvil and Postgres', () => {
  it('straight to a creator are in the history and are told with the right amount', async () => {
    await follow();
    await pay(walletOf(ada), 1_500_000n);
    await caughtUp();
    const [tip, ...others] = await tipsOf(ada);
    expect(others).toEqual([]);
    expect(tip).toMatchObject({ from: wallet.account.address.toLowerCase(), token, amount: 1_500_000n, message: '', symbol: 'USDC' });
    const [event] = await eventsOf(ada);
    expect(event).toMatchObject({
      type: 'tip',
      state: 'confirmed',
      d: { amount: { raw: '1500000', decimals: 6, symbol: 'USDC' }, message: '' },
    });
  });

  it('are counted once when they go through the jar, also when the token keeps a fee', async () => {
    await follow();
    const tip = { jar, creator: walletOf(ada), message: 'gg' };
    await mined(await sendTokenTip(wallet, { ...tip, token, amount: 700n }));
    await mined(await sendTokenTip(wallet, { ...tip, token: fee, amount: 1000n }));
    await pay(walletOf(ada), 5n);
    await caughtUp();
    expect((await tipsOf(ada)).map(({ amount, message, ordinal }) => [amount, message, isTransfer(ordinal)])).toEqual([
      [5n, '', true],
      [900n, 'gg', false],
      [700n, 'gg', false],
    ]);
    expect(await told(ada)).toEqual(['tip 700', 'tip 900', 'tip 5']);
  });

  it('are told to each creator of many in one transaction, and to nobody else', async () => {
    const bob = await aCreator();
    await follow();
    const batch = await deployContract(wallet, transferBatchBytecode);
    await mined(await wallet.writeContract({ address: token, abi: eventTokenAbi, functionName: 'approve', args: [batch, 1000n] }));
    const wallets = [walletOf(ada), randomHex(20), walletOf(bob), walletOf(ada)];
    await mined(await wallet.writeContract({ address: batch, abi: transferBatchAbi, functionName: 'payAll', args: [token, wallets, 10n] }));
    await caughtUp();
    expect([await told(ada), await told(bob)]).toEqual([['tip 10', 'tip 10'], ['tip 10']]);
  });

  it('from one creator to another are a tip to the one who gets them', async () => {
    const sender = await aCreator(`0x${wallet.account.address.slice(2).toLowerCase()}`);
    await follow();
    await pay(walletOf(ada), 3n);
    await caughtUp();
    expect([await told(ada), await told(sender)]).toEqual([['tip 3'], []]);
  });

  it('are none when they make tokens, move nothing, or are another thing by the same name', async () => {
    await follow();
    const nft = await deployContract(wallet, collectibleBytecode);
    const fake = await deployToken(wallet, 100n, eventTokenBytecode);
    await mined(await wallet.writeContract({ address: token, abi: eventTokenAbi, functionName: 'mint', args: [walletOf(ada), 9n] }));
    await mined(await wallet.writeContract({ address: nft, abi: collectibleAbi, functionName: 'send', args: [walletOf(ada), 1n] }));
    await pay(walletOf(ada), 0n);
    await pay(walletOf(ada), 50n, fake);
    await pay(walletOf(ada), 1n);
    await caughtUp();
    expect((await tipsOf(ada)).map(({ amount }) => amount)).toEqual([1n]);
    expect(await told(ada)).toEqual(['tip 1']);
  });

  it('in a fake token with a known symbol are stored and never shown when they go through the jar', async () => {
    await follow();
    const fake = await deployToken(wallet, 100n, eventTokenBytecode);
    await mined(await sendTokenTip(wallet, { jar, creator: walletOf(ada), message: 'rich', token: fake, amount: 50n }));
    await caughtUp();
    expect((await tipsOf(ada)).map(({ amount, symbol }) => [amount, symbol])).toEqual([[50n, undefined]]);
    expect(await told(ada)).toEqual([]);
  });

  it('are told once when a reorganisation moves them, and taken back when it drops them', async () => {
    await follow();
    await pay(randomHex(20), 1n);
    const request = { to: token, data: encodeTransfer(walletOf(ada), 8n) };
    const raw = await wallet.signTransaction(await wallet.prepareTransactionRequest(request));
    await mined(await wallet.sendRawTransaction({ serializedTransaction: raw }));
    await caughtUp();
    // In the next block now, behind another transfer of the same token.
    await anvil('anvil_reorg', [1, [[raw, 0]]]);
    await node().mine({ blocks: 1 });
    await caughtUp();
    expect(await told(ada)).toEqual(['tip 8']);
    await anvil('anvil_reorg', [2, []]);
    await caughtUp();
    expect(await told(ada)).toEqual(['tip 8', 'tip.retracted 8']);
  });

  it('are not looked at when the setting is off', async () => {
    await follow({ transfers: { tokens: false, native: false } });
    await pay(walletOf(ada), 3n);
    await mined(await sendTip(wallet, { jar, creator: walletOf(ada), amount: 4n, message: '' }));
    await caughtUp();
    expect(await told(ada)).toEqual(['tip 4']);
  });
});

describe('coins sent straight to a creator on anvil and Postgres', () => {
  it('are told when the setting is on; through the jar they are told once', async () => {
    await follow({ transfers: { tokens: true, native: true } });
    await send(walletOf(ada), 10n ** 16n);
    await mined(await sendTip(wallet, { jar, creator: walletOf(ada), amount: 4n, message: 'gg' }));
    await caughtUp();
    expect(await told(ada)).toEqual(['tip 10000000000000000', 'tip 4']);
    expect((await tipsOf(ada)).map(({ token: of, symbol, ordinal }) => [of, symbol, ordinal])).toEqual([
      [NATIVE_TOKEN, 'ETH', 0],
      [NATIVE_TOKEN, 'ETH', 1_000_000],
    ]);
  });

  it('are not looked at when the setting is off, as it is by itself', async () => {
    await follow();
    await send(walletOf(ada), 5n);
    await pay(walletOf(ada), 1n);
    await caughtUp();
    expect(await told(ada)).toEqual(['tip 1']);
  });

  it('are no tip when the transaction failed', async () => {
    const refusing = await aCreator(await deployContract(wallet, refusingCreatorBytecode));
    await follow({ transfers: { tokens: true, native: true } });
    await send(walletOf(refusing), 5n);
    await send(walletOf(ada), 6n);
    await caughtUp();
    expect([await told(refusing), await told(ada)]).toEqual([[], ['tip 6']]);
  });
});

describe('a wallet that is registered while the listener runs', () => {
  it('gets what it was paid since as alerts, and what it was paid before in its history only', async () => {
    await follow();
    const late = randomHex(20);
    // Long before, by the clock of the chain.
    await node().setBlockTimestampInterval({ interval: 60 });
    await pay(late, 1n);
    await node().mine({ blocks: 3 });
    await caughtUp();
    const creator = await aCreator(late);
    await storage.database.run(`UPDATE creator_wallets SET created_at = to_timestamp($1::bigint) WHERE creator_id = $2`, [
      Number((await node().getBlock()).timestamp),
      creator.id,
    ]);
    await pay(late, 2n);
    await pay(late, 3n);
    await caughtUp();
    await expect.poll(() => told(creator), { timeout: 5000 }).toEqual(['tip 2', 'tip 3']);
    expect((await tipsOf(creator)).map(({ amount }) => amount)).toEqual([3n, 2n, 1n]);
  });
});

function encodeTransfer(to: Hex, amount: bigint): Hex {
  return `0xa9059cbb${to.slice(2).padStart(64, '0')}${amount.toString(16).padStart(64, '0')}`;
}
