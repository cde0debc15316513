import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Health, Instance, PlatformModule } from '@droppio/platform';
import { EventRelay, LeaderLock, TipLedger, WalletRegister } from '@droppio/tips';
import { LockTable, MemoryLeaderLock, MemoryWalletRegister } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { ChainModule } from './chain.module.js';
import { FakeNode } from './testing/fake-node.js';
import { JAR, NotingRelay, testChain } from './testing/follow-kit.js';
import { MemoryTipLedger } from './testing/memory-tip-ledger.js';
import { aTx, ScriptedChain } from './testing/scripted-chain.js';
import { honestly } from './testing/scripted-node.js';
import { aRawTip } from './testing/tip-log.js';

const ledger = new MemoryTipLedger();
const relay = new NotingRelay();

@Global()
@Module({
  providers: [
    { provide: TipLedger, useValue: ledger },
    { provide: EventRelay, useValue: relay },
    { provide: LeaderLock, useValue: new MemoryLeaderLock(new LockTable()) },
    { provide: WalletRegister, useValue: new MemoryWalletRegister() },
  ],
  exports: [TipLedger, EventRelay, LeaderLock, WalletRegister],
})
class Neighbours {}

describe(ChainModule.name, () => {
  it('follows every chain on its own, reports its health and stops in time', async () => {
    const chain = new ScriptedChain(1, JAR);
    const tip = aRawTip();
    chain.mine(aTx(tip));
    const node = await FakeNode.start((question) => honestly(chain, question));
    const health = new Health();
    const chains = [
      testChain({ rpcUrls: [node.url], pollMs: 50 }),
      testChain({ chainId: 2, name: 'dead', rpcUrls: ['http://127.0.0.1:9'] }),
    ];
    const root = {
      module: class Root {},
      imports: [PlatformModule.for(new Instance('one', 'test'), health), Neighbours, ChainModule.for(chains)],
    };
    const app = await NestFactory.createApplicationContext(root, { logger: false });
    await expect.poll(() => relay.drained, { timeout: 5000 }).toEqual([tip.creator]);
    await expect
      .poll(async () => (await health.ready()).faults, { timeout: 5000 })
      .toEqual({ 'chain-2': 'Chain dead has not told of a block yet.' });
    expect(await health.alive()).toEqual({ ok: true, faults: {} });
    const began = performance.now();
    await app.close();
    expect(performance.now() - began).toBeLessThan(4000);
    await node.stop();
  });
});
