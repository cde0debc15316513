import { randomHex } from '@droppio/tips/testing';
import { describeChainReader } from './chain-reader.contract.js';
import { JAR } from './testing/follow-kit.js';
import { TIP_TOPIC } from './decode-tip.js';
import { aTx, ScriptedChain } from './testing/scripted-chain.js';
import { aRawTip } from './testing/tip-log.js';

describeChainReader('a scripted chain', () => {
  const chain = new ScriptedChain(1, JAR);
  const settle = (): void => {
    chain.settle({ safe: Math.max(0, chain.tip.number - 1), finalized: Math.max(0, chain.tip.number - 2) });
  };
  return Promise.resolve({
    reader: chain,
    filter: { addresses: [JAR], topics: [TIP_TOPIC] },
    tip: () => {
      const tip = aRawTip();
      chain.mine(aTx(tip));
      return Promise.resolve(tip.message);
    },
    mine: () => {
      chain.mine();
      settle();
      return Promise.resolve();
    },
    pay: ({ fails } = { fails: false }) => {
      const payment = { from: randomHex(20), to: randomHex(20), amount: 7n, fails };
      chain.mine({ ...aTx(), payment });
      return Promise.resolve(payment);
    },
    reorg: (depth) => {
      chain.reorg(
        depth,
        Array.from({ length: depth + 1 }, () => []),
      );
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
});
