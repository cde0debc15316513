import { Logger } from '@nestjs/common';
import { ManualClock, MemoryWalletRegister, randomHex } from '@droppio/tips/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TipSpotter } from '../sight-tips.js';
import { JAR, testChain } from '../testing/follow-kit.js';
import { aTx, ScriptedChain, type ScriptedTx } from '../testing/scripted-chain.js';
import { aRawTip, aRawTransfer, aTransferLog } from '../testing/tip-log.js';
import { WatchList } from '../watch-list.js';
import { WatchMetrics } from '../watch-metrics.js';
import { BlockReader } from './block-reader.js';

const usdc = randomHex(20);
const [ada, bob] = [randomHex(20), randomHex(20)];
const settings = testChain({ tokens: [{ address: usdc, symbol: 'USDC', decimals: 6 }] });
const paying = (to = ada): ScriptedTx => ({ ...aTx(), logs: [aTransferLog(aRawTransfer({ token: usdc, to }))] });
const clock = new ManualClock();
const metrics = WatchMetrics.unregistered();

let chain: ScriptedChain;
let register: MemoryWalletRegister;
let watch: WatchList;

beforeAll(() => {
  Logger.overrideLogger(false);
});
beforeEach(() => {
  chain = new ScriptedChain(1, JAR);
  register = new MemoryWalletRegister(() => clock.now());
  register.register(ada, 0);
  watch = new WatchList(register, clock, metrics);
});

const readerOf = (native: boolean): BlockReader =>
  new BlockReader(chain, new TipSpotter(settings, watch), { clock, metrics, watch, native });
const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe(BlockReader.name, () => {
  it('gives out no block before the wallets are known, else their transfers would be lost', async () => {
    const reader = readerOf(false);
    let isRead = false;
    const reading = reader.read(chain.mine(paying()), 0).finally(() => (isRead = true));
    await turns();
    expect(isRead).toBe(false);
    await watch.refresh();
    expect((await reading).tips).toMatchObject([{ creator: ada, token: usdc }]);
  });

  it('asks for payments only when they count', async () => {
    await watch.refresh();
    const block = chain.mine({ ...aTx(aRawTip()), payment: { from: bob, to: ada, amount: 3n } });
    expect((await readerOf(false).read(block, 0)).tips).toHaveLength(1);
    expect(chain.calls['payments']).toBeUndefined();
    expect((await readerOf(true).read(block, 0)).tips).toMatchObject([{ ordinal: 0 }, { ordinal: 1_000_000, amount: 3n }]);
  });

  it('looks for another wallet in what it read already, without asking the nodes again', async () => {
    await watch.refresh();
    const reader = readerOf(false);
    const block = chain.mine(paying(bob));
    expect((await reader.read(block, 7)).tips).toEqual([]);
    const asked = { ...chain.calls };
    const again = await reader.readAgain(block, new TipSpotter(settings, new Set([bob])), new Set([bob]));
    expect(again).toMatchObject({ block: { hash: block.hash }, seenAtMs: 7, tips: [{ creator: bob }] });
    expect(chain.calls).toEqual(asked);
  });

  it('asks the nodes for a block that it has not read, and fails when they do not know it', async () => {
    const reader = readerOf(false);
    const block = chain.mine(paying(bob));
    const other = new TipSpotter(settings, new Set([bob]));
    expect((await reader.readAgain(block, other, new Set([bob]))).tips).toHaveLength(1);
    const unknown = { number: block.number, hash: randomHex(32) };
    await expect(reader.readAgain(unknown, other, new Set())).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
  });

  it('keeps what it read in bounds', async () => {
    await watch.refresh();
    const reader = readerOf(false);
    const first = chain.mine(paying(bob));
    await reader.read(first, 0);
    const crowd = { ...aTx(), logs: Array.from({ length: 500 }, () => aTransferLog(aRawTransfer({ token: usdc }))) };
    for (let n = 0; n < 40; n += 1) await reader.read(chain.mine(crowd), 0);
    const asked = chain.calls['logs'] ?? 0;
    await reader.readAgain(chain.tip, new TipSpotter(settings), new Set());
    expect(chain.calls['logs']).toBe(asked);
    await reader.readAgain(first, new TipSpotter(settings), new Set());
    expect(chain.calls['logs']).toBe(asked + 1);
  });
});
