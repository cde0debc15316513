import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Health, Instance, PlatformModule } from '@droppio/platform';
import { openTestStorage, type TestStorage } from '@droppio/storage/testing';
import { deployTipJar, DevChain, openWallet, sendTip, tipJarAbi, type TipWallet } from '@droppio/tip-jar';
import { deployContract, priceFeedAbi, priceFeedBytecode } from '@droppio/tip-jar/testing';
import { EventRelay, LeaderLock, NATIVE_TOKEN, TipLedger, TipValues, WalletRegister, type Creator, type Hex } from '@droppio/tips';
import { LockTable, MemoryLeaderLock, MemoryWalletRegister, randomHex } from '@droppio/tips/testing';
import { createTestClient, encodeFunctionData, http } from 'viem';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { chainSettings } from '../chain-settings.js';
import { ChainModule } from '../chain.module.js';
import { NotingRelay } from '../testing/follow-kit.js';
import { ChainPrices } from './chain-prices.js';

@Module({})
class Neighbours {}

const Valued = z.array(z.object({ usd: z.string().nullable(), source: z.string().nullable(), unavailable: z.string().nullable() }));
const MILLI = 10n ** 15n;
const NO_REF: Hex = `0x${'00'.repeat(32)}`;
let chain: DevChain;
let storage: TestStorage;
let wallet: TipWallet;
let jar: Hex;
let feed: Hex;
let creator: Creator;
let app: INestApplicationContext;

beforeEach(async () => {
  chain = await DevChain.start({ anvilPath: inject('anvilPath') });
  storage = await openTestStorage(inject('postgresUrl'));
  wallet = await openWallet({ rpcUrl: chain.rpcUrl, privateKey: chain.accounts[0]?.privateKey ?? '0x', pollMs: 5 });
  jar = await deployTipJar(wallet);
  feed = await deployContract(wallet, priceFeedBytecode);
  creator = await storage.directory.createCreator({
    handle: `c-${randomHex(8).slice(2)}`,
    displayName: 'Ada',
    wallets: [randomHex(20)],
    accessTokenHash: Buffer.from(randomHex(32).slice(2), 'hex'),
  });
  app = await NestFactory.createApplicationContext(root(), { logger: false });
});
afterEach(async () => {
  await app.close();
  await storage.drop();
  await chain.stop();
});

function root(): DynamicModule {
  const neighbours: DynamicModule = {
    module: Neighbours,
    global: true,
    providers: [
      { provide: TipLedger, useValue: storage.ledger },
      { provide: TipValues, useValue: storage.values },
      { provide: EventRelay, useValue: new NotingRelay() },
      { provide: LeaderLock, useValue: new MemoryLeaderLock(new LockTable()) },
      { provide: WalletRegister, useValue: new MemoryWalletRegister() },
    ],
    exports: [TipLedger, TipValues, EventRelay, LeaderLock, WalletRegister],
  };
  const settings = chainSettings({
    chainId: 31337,
    name: 'dev',
    rpcUrls: [chain.rpcUrl],
    tipJar: jar,
    startBlock: 0,
    pollMs: 50,
    native: { symbol: 'ETH', usd: { feed, maxAgeSec: 3600 } },
  });
  const imports = [PlatformModule.for(new Instance('one', 'test'), new Health()), neighbours, ChainModule.for([settings])];
  return { module: class Root {}, imports };
}

const mined = (hash: Hex) => wallet.waitForTransactionReceipt({ hash });
const ask = async (functionName: 'setPrice' | 'setBroken', arg: bigint | boolean): Promise<unknown> =>
  mined(await wallet.writeContract({ address: feed, abi: priceFeedAbi, functionName, args: [arg] as never }));
const tip = async (): Promise<unknown> =>
  mined(await sendTip(wallet, { jar, creator: creator.wallets[0] ?? '0x', amount: MILLI, message: 'gg' }));
/** Of values for the block that the tip is in. */
const valued = async () =>
  Valued.parse(
    await storage.database.source.query(
      'SELECT v.usd, v.source, v.unavailable FROM tips t JOIN tip_values v USING (chain_id, tx_hash, ordinal, block_hash)',
    ),
  );
const soon = { timeout: 15_000, interval: 20 };

describe(ChainPrices.name, () => {
  it('notes what a tip was worth in its block, and again where a reorganisation puts it', async () => {
    const node = createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl, { retryCount: 0 }) });
    await ask('setPrice', 2000_00000000n);
    const [, account] = chain.accounts;
    const viewer = await openWallet({ rpcUrl: chain.rpcUrl, privateKey: account?.privateKey ?? '0x', pollMs: 5 });
    const fees = { gas: 500_000n, maxFeePerGas: 10n ** 12n, maxPriorityFeePerGas: 1n, type: 'eip1559', chainId: 31337 } as const;
    const args = [creator.wallets[0] ?? '0x', 'gg', NO_REF] as const;
    const data = encodeFunctionData({ abi: tipJarAbi, functionName: 'tip', args });
    const paid = await viewer.signTransaction({ ...fees, to: jar, data, value: MILLI, nonce: 0 });
    await mined(await viewer.sendRawTransaction({ serializedTransaction: paid }));
    await expect.poll(valued, soon).toEqual([{ usd: '2.00000000', source: feed, unavailable: null }]);
    const price = encodeFunctionData({ abi: priceFeedAbi, functionName: 'setPrice', args: [4000_00000000n] });
    const nonce = await wallet.getTransactionCount({ address: wallet.account.address });
    const dearer = await wallet.signTransaction({ ...fees, to: feed, data: price, value: 0n, nonce });
    // The same transaction in another block, in which the feed says something else.
    const branch = [
      [dearer, 0],
      [paid, 0],
    ];
    await node.request<{ Method: string; Parameters: readonly unknown[]; ReturnType: unknown }>({
      method: 'anvil_reorg',
      params: [1, branch],
    });
    await node.mine({ blocks: 1 });
    await expect.poll(valued, soon).toEqual([{ usd: '4.00000000', source: feed, unavailable: null }]);
    expect(await storage.values.unvalued({ chainId: 31337, tokens: [NATIVE_TOKEN], limit: 10 })).toEqual([]);
  });

  it('tells of a tip although nobody knows its worth, and says why', async () => {
    await ask('setBroken', true);
    await tip();
    const told = async () => (await storage.ledger.eventsAfter(creator.id, 0, 10)).map(({ type }) => type);
    await expect.poll(told, soon).toEqual(['tip']);
    await expect.poll(valued, soon).toEqual([{ usd: null, source: null, unavailable: 'reverted' }]);
  });
});
