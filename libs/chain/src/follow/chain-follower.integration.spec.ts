import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import { openTestStorage, type TestStorage } from '@droppio/storage/testing';
import { deployTipJar, DevChain, openWallet, sendTip, type TipWallet } from '@droppio/tip-jar';
import { deployContract, tipBatchAbi, tipBatchBytecode } from '@droppio/tip-jar/testing';
import { toHex, type Creator, type Hex, type StoredTip } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { createTestClient, http, publicActions } from 'viem';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { ChainSettings } from '../chain-settings.js';
import { unregisteredMetrics } from '../metrics.js';
import { ViemChainReader } from '../nodes/viem-chain-reader.js';
import { followed, NotingRelay, testChain } from '../testing/follow-kit.js';
import { ChainFollower } from './chain-follower.js';

Logger.overrideLogger(false);

let chain: DevChain;
let wallet: TipWallet;
let jar: Hex;
let storage: TestStorage;
let creator: Creator;
let relay: NotingRelay;
let followers: ChainFollower[];

const node = () => createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl, { retryCount: 0 }) }).extend(publicActions);
const anvil = (method: string, params: readonly unknown[]): Promise<unknown> =>
  node().request<{ Method: string; Parameters: readonly unknown[]; ReturnType: unknown }>({ method, params });

beforeEach(async () => {
  chain = await DevChain.start();
  storage = await openTestStorage(inject('postgresUrl'));
  const [account] = chain.accounts;
  if (account === undefined) throw new Error('a dev chain has accounts');
  wallet = await openWallet({ rpcUrl: chain.rpcUrl, privateKey: account.privateKey, pollMs: 5 });
  jar = await deployTipJar(wallet);
  creator = await storage.directory.createCreator({
    handle: `c-${randomHex(8).slice(2)}`,
    displayName: 'Ada',
    wallets: [randomHex(20)],
    accessTokenHash: Buffer.from(randomHex(32).slice(2), 'hex'),
  });
  relay = new NotingRelay();
  followers = [];
});
afterEach(async () => {
  await Promise.all(followers.map((follower) => follower.stop()));
  await storage.drop();
  await chain.stop();
});

function follow(fields: Partial<ChainSettings> = {}): ChainFollower {
  const settings = testChain({ chainId: 31337, rpcUrls: [chain.rpcUrl], wsUrls: [chain.wsUrl], tipJar: jar, pollMs: 50, ...fields });
  const reader = new ViemChainReader(settings, new SystemClock(), unregisteredMetrics());
  const follower = followed(reader, storage.ledger, { chain: settings, relay });
  followers.push(follower);
  return follower;
}

const creatorWallet = (): Hex => creator.wallets[0] ?? '0x';
const tip = (message: string): Promise<Hex> => sendTip(wallet, { jar, creator: creatorWallet(), amount: 7n, message });
const mined = async (hash: Hex): Promise<Hex> => (await wallet.waitForTransactionReceipt({ hash })).transactionHash;
const history = async (): Promise<readonly StoredTip[]> => (await storage.archive.list({ creatorId: creator.id, limit: 200 })).tips;
const events = async (): Promise<string[]> =>
  (await storage.ledger.eventsAfter(creator.id, 0, 1000)).map((event) => (event.type === 'tip' ? `tip ${event.d.message}` : event.type));
const caughtUp = async (): Promise<void> => {
  await expect
    .poll(async () => (await storage.ledger.cursor(31337))?.hash, { interval: 10, timeout: 10_000 })
    .toBe((await node().getBlock({ blockTag: 'latest' })).hash);
};

describe(`${ChainFollower.name} on anvil and Postgres`, () => {
  it('stores each tip once, gives it a seq and tells the relay', async () => {
    follow();
    for (const message of ['one', 'two', 'three']) await mined(await tip(message));
    await caughtUp();
    expect(await events()).toEqual(['tip one', 'tip two', 'tip three']);
    expect(relay.drained).toContain(creator.id);
  });

  it('stores several tips of one transaction', async () => {
    follow();
    const batch = await deployContract(wallet, tipBatchBytecode);
    const creators = [creatorWallet(), creatorWallet(), randomHex(20)];
    await mined(
      await wallet.writeContract({ address: batch, abi: tipBatchAbi, functionName: 'tipAll', args: [jar, creators, 'gg'], value: 30n }),
    );
    await caughtUp();
    expect((await history()).map(({ ordinal, amount }) => [ordinal, amount]).sort()).toEqual([
      [0, 10n],
      [1, 10n],
    ]);
  });

  it('retracts what a real reorganisation drops and keeps quiet about what it moves', async () => {
    follow();
    await mined(await tip('stays'));
    const raw = await wallet.signTransaction(await wallet.prepareTransactionRequest(await request('moves')));
    await mined(await wallet.sendRawTransaction({ serializedTransaction: raw }));
    await caughtUp();
    expect(await events()).toEqual(['tip stays', 'tip moves']);
    // The same signed transaction, one block later.
    await anvil('anvil_reorg', [1, [[raw, 0]]]);
    await node().mine({ blocks: 1 });
    await caughtUp();
    expect(await events()).toEqual(['tip stays', 'tip moves']);
    await anvil('anvil_reorg', [2, []]);
    await caughtUp();
    expect(await events()).toEqual(['tip stays', 'tip moves', 'tip.retracted']);
    await mined(await wallet.sendRawTransaction({ serializedTransaction: raw }));
    await caughtUp();
    expect(await events()).toEqual(['tip stays', 'tip moves', 'tip.retracted', 'tip.updated']);
    expect((await history()).map(({ state }) => state)).toEqual(['confirmed', 'confirmed']);
  });

  it('follows a chain that went back without a word', async () => {
    follow();
    await mined(await tip('stays'));
    await mined(await tip('goes'));
    await caughtUp();
    await anvil('anvil_rollback', [1]);
    await mined(await tip('comes'));
    await caughtUp();
    expect(
      (await history())
        .filter(({ state }) => state === 'confirmed')
        .map(({ message }) => message)
        .sort(),
    ).toEqual(['comes', 'stays']);
  });

  it('survives fifty reorganisations of random depth with exactly what the chain holds', async () => {
    follow();
    await node().mine({ blocks: 12 });
    for (let round = 0; round < 50; round += 1) {
      // Mined first: this node's reorg and its own mining race, and then it serves a chain with a block missing in it.
      await mined(await tip(`round ${String(round)}`));
      if (round % 2 === 0) await anvil('anvil_reorg', [1 + (round % 10), []]);
    }
    await node().mine({ blocks: 1 });
    await caughtUp();
    const logs = await node().getLogs({ fromBlock: 0n, toBlock: 'latest', address: jar });
    const onChain = logs.map(({ transactionHash }) => toHex(transactionHash)).sort();
    const stored = (await history())
      .filter(({ state }) => state === 'confirmed')
      .map(({ txHash }) => txHash)
      .sort();
    expect(stored).toEqual(onChain);
    const seqs = (await storage.ledger.eventsAfter(creator.id, 0, 1000)).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  it('catches up with what it missed, and a successor takes over at once when it stops', async () => {
    const first = follow();
    await mined(await tip('before'));
    await caughtUp();
    await first.stop();
    for (let n = 0; n < 20; n += 1) await mined(await tip(`missed ${String(n)}`));
    await node().mine({ blocks: 300 });
    follow();
    await caughtUp();
    // By now the old ones may be final too, which is told apart from the tips.
    expect((await events()).filter((event) => event.startsWith('tip '))).toHaveLength(21);
  });

  it('stops a chain that forks below its finalised block', async () => {
    await chain.stop();
    chain = await DevChain.start({ slotsInAnEpoch: 1 });
    wallet = await openWallet({ rpcUrl: chain.rpcUrl, privateKey: chain.accounts[0]?.privateKey ?? '0x', pollMs: 5 });
    await deployTipJar(wallet);
    const follower = follow();
    await mined(await tip('settled'));
    await node().mine({ blocks: 6 });
    await expect.poll(async () => (await history()).map(({ state }) => state), { timeout: 5000 }).toEqual(['finalized']);
    const height = (await storage.ledger.cursor(31337))?.number;
    await anvil('anvil_reorg', [5, []]);
    await expect.poll(() => follower.notReady(), { timeout: 5000 }).toMatch(/needs a person/);
    expect((await storage.ledger.cursor(31337))?.number).toBe(height);
  });

  async function request(message: string): Promise<{ to: Hex; data: Hex; value: bigint }> {
    const hash = await tip(message);
    const { input, value } = await node().getTransaction({ hash });
    // Only the call is of interest: the probe is undone.
    await anvil('anvil_rollback', [1]);
    return { to: jar, data: input, value };
  }
});
