import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Health, Instance, PlatformModule } from '@droppio/platform';
import { EventRelay, LeaderLock, TipLedger, WalletRegister } from '@droppio/tips';
import { LockTable, MemoryLeaderLock, MemoryWalletRegister, randomHex } from '@droppio/tips/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChainSettings } from './chain-settings.js';
import { ChainModule } from './chain.module.js';
import { FakeNode } from './testing/fake-node.js';
import { JAR, NotingRelay, testChain } from './testing/follow-kit.js';
import { MemoryTipLedger } from './testing/memory-tip-ledger.js';
import { aTx, ScriptedChain, type ScriptedTx } from './testing/scripted-chain.js';
import { honestly } from './testing/scripted-node.js';
import { aRawTip, aRawTransfer, aTransferLog } from './testing/tip-log.js';

@Module({})
class Neighbours {}

let ledger: MemoryTipLedger;
let relay: NotingRelay;
let wallets: MemoryWalletRegister;
let health: Health;
let chain: ScriptedChain;
let node: FakeNode;
let app: INestApplicationContext;

beforeEach(async () => {
  ledger = new MemoryTipLedger();
  relay = new NotingRelay();
  wallets = new MemoryWalletRegister();
  health = new Health();
  chain = new ScriptedChain(1, JAR);
  node = await FakeNode.start((question) => honestly(chain, question));
});
afterEach(() => node.stop());

async function start(...chains: readonly ChainSettings[]): Promise<void> {
  const neighbours: DynamicModule = {
    module: Neighbours,
    global: true,
    providers: [
      { provide: TipLedger, useValue: ledger },
      { provide: EventRelay, useValue: relay },
      { provide: LeaderLock, useValue: new MemoryLeaderLock(new LockTable()) },
      { provide: WalletRegister, useValue: wallets },
    ],
    exports: [TipLedger, EventRelay, LeaderLock, WalletRegister],
  };
  const root = {
    module: class Root {},
    imports: [PlatformModule.for(new Instance('one', 'test'), health), neighbours, ChainModule.for(chains)],
  };
  app = await NestFactory.createApplicationContext(root, { logger: false });
}

async function stop(): Promise<number> {
  const began = performance.now();
  await app.close();
  return performance.now() - began;
}

describe(ChainModule.name, () => {
  it('follows every chain on its own, reports its health and stops in time', async () => {
    const tip = aRawTip();
    chain.mine(aTx(tip));
    const dead = testChain({ chainId: 2, name: 'dead', rpcUrls: ['http://127.0.0.1:9'] });
    await start(testChain({ rpcUrls: [node.url], pollMs: 50 }), dead);
    await expect.poll(() => relay.drained, { timeout: 5000 }).toEqual([tip.creator]);
    await expect
      .poll(async () => (await health.ready()).faults, { timeout: 5000 })
      .toEqual({ 'chain-2': 'Chain dead has not told of a block yet.' });
    expect(await health.alive()).toEqual({ ok: true, faults: {} });
    expect(await stop()).toBeLessThan(4000);
  });

  it('watches the wallets of creators where tokens are listed, those that register later, too', async () => {
    const usdc = randomHex(20);
    const [ada, bob] = [randomHex(20), randomHex(20)];
    const paying = (to = ada): ScriptedTx => ({ ...aTx(), logs: [aTransferLog(aRawTransfer({ token: usdc, to }))] });
    wallets.register(ada, 0);
    chain.mine(paying());
    await start(testChain({ rpcUrls: [node.url], pollMs: 50, tokens: [{ address: usdc, symbol: 'USDC', decimals: 6 }] }));
    await expect.poll(() => relay.drained, { timeout: 5000 }).toEqual([ada]);
    chain.mine(paying(bob));
    await expect.poll(() => ledger.height).toBe(2);
    wallets.register(bob);
    await expect.poll(() => ledger.standing, { timeout: 8000 }).toHaveLength(2);
    expect(relay.drained).toEqual([ada]);
    chain.mine(paying(bob));
    await expect.poll(() => relay.drained, { timeout: 5000 }).toEqual([ada, bob]);
    expect(await stop()).toBeLessThan(4000);
  });
});
