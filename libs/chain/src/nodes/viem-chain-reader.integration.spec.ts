import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import { deployTipJar, DevChain, openWallet, sendTip, type TipWallet } from '@droppio/tip-jar';
import { NATIVE_TOKEN } from '@droppio/tips';
import { deployContract, refusingCreatorBytecode } from '@droppio/tip-jar/testing';
import { randomHex, randomInt } from '@droppio/tips/testing';
import { createTestClient, http, type TestClient } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChainSettings } from '../chain-settings.js';
import { describeChainReader, type ChainWorld } from '../chain-reader.contract.js';
import { TIP_TOPIC } from '../decode-tip.js';
import { unregisteredMetrics } from '../metrics.js';
import { bloomOracle } from './bloom.js';
import { ViemChainReader } from './viem-chain-reader.js';

Logger.overrideLogger(false);

const nodeOf = (chain: DevChain): TestClient => createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl, { retryCount: 0 }) });
const reorg = (chain: DevChain, depth: number): Promise<unknown> =>
  nodeOf(chain).request<{ Method: 'anvil_reorg'; Parameters: [number, []]; ReturnType: unknown }>({
    method: 'anvil_reorg',
    params: [depth, []],
  });

async function walletOn(chain: DevChain): Promise<TipWallet> {
  const [account] = chain.accounts;
  if (account === undefined) throw new Error('a dev chain has accounts');
  return openWallet({ rpcUrl: chain.rpcUrl, privateKey: account.privateKey, pollMs: 5 });
}

async function anvilWorld(wsUrls: (chain: DevChain) => string[], quorum?: ChainSettings['quorum']): Promise<ChainWorld> {
  const chain = await DevChain.start({ slotsInAnEpoch: 1 });
  const wallet = await walletOn(chain);
  const jar = await deployTipJar(wallet);
  const refusing = await deployContract(wallet, refusingCreatorBytecode);
  // One node under two names passes for two providers.
  const rpcUrls = [chain.rpcUrl, chain.rpcUrl.replace('127.0.0.1', 'localhost')];
  const settings = { chainId: 31337, tipJar: jar, rpcUrls, wsUrls: wsUrls(chain), pollMs: 50, quorum };
  return {
    reader: new ViemChainReader(settings, new SystemClock(), unregisteredMetrics()),
    filter: { addresses: [jar], topics: [TIP_TOPIC] },
    tip: async () => {
      const message = `gg ${String(randomInt(1_000_000))}`;
      const hash = await sendTip(wallet, { jar, creator: randomHex(20), amount: 1n, message });
      await wallet.waitForTransactionReceipt({ hash });
      return message;
    },
    mine: () => nodeOf(chain).mine({ blocks: 1 }),
    pay: async ({ fails } = { fails: false }) => {
      const to = fails ? refusing : randomHex(20);
      const amount = BigInt(1 + randomInt(1_000_000));
      // With the gas named nobody tries it out before it is sent.
      await wallet.waitForTransactionReceipt({ hash: await wallet.sendTransaction({ to, value: amount, gas: 100_000n }) });
      return { to, amount };
    },
    reorg: async (depth) => {
      await reorg(chain, depth);
      await nodeOf(chain).mine({ blocks: 1 });
    },
    close: () => chain.stop(),
  };
}

describeChainReader('anvil, by polling and WebSocket', () => anvilWorld((chain) => [chain.wsUrl]));
describeChainReader('anvil, by polling alone', () => anvilWorld(() => []));
describeChainReader('anvil, with a quorum of two', () =>
  anvilWorld((chain) => [chain.wsUrl], { above: [{ token: NATIVE_TOKEN, amount: 0n }], finalized: true }),
);
describeChainReader('anvil, with a WebSocket that is never there', () => anvilWorld(() => ['ws://127.0.0.1:9']));

describe('anvil', () => {
  let chain: DevChain;
  beforeAll(async () => {
    chain = await DevChain.start();
  });
  afterAll(() => chain.stop());

  it('fills the bloom with what our bits expect', async () => {
    const wallet = await walletOn(chain);
    const jar = await deployTipJar(wallet);
    await wallet.waitForTransactionReceipt({ hash: await sendTip(wallet, { jar, creator: randomHex(20), amount: 1n, message: '' }) });
    const reader = new ViemChainReader(
      { chainId: 31337, tipJar: jar, rpcUrls: [chain.rpcUrl], wsUrls: [] },
      new SystemClock(),
      unregisteredMetrics(),
    );
    const { logsBloom } = await reader.head();
    expect(bloomOracle({ addresses: [jar], topics: [TIP_TOPIC] })(logsBloom)).toBe('possible');
    expect(bloomOracle({ addresses: [randomHex(20)], topics: [randomHex(32)] })(logsBloom)).toBe('excluded');
  });
});
