import { randomHex } from '@droppio/tips/testing';
import { NATIVE_TOKEN, type StoredTip } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import { TipView, tipView } from './tip.schema.js';

const tip: StoredTip = {
  chainId: 8453,
  txHash: randomHex(32),
  ordinal: 0,
  creator: randomHex(20),
  from: randomHex(20),
  token: NATIVE_TOKEN,
  amount: 5n,
  message: 'gg',
  ref: randomHex(32),
  state: 'finalized',
  rev: 1,
  blockNumber: 7,
  blockHash: randomHex(32),
  blockTimestampMs: 1_700_000_000_000,
  logIndex: 0,
};

describe('the worth of a tip in the API', () => {
  it('is a decimal string with its source and time', () => {
    const worth = { usd: '12.34500000', source: randomHex(20), atMs: 1_700_000_000_000 };
    const { amount } = TipView.parse(tipView({ ...tip, worth }));
    expect(amount).toMatchObject({ usd: '12.34500000', usdAt: '2023-11-14T22:13:20.000Z', usdSource: worth.source });
  });

  it('is absent where nobody knows it', () => {
    expect(Object.keys(tipView(tip).amount)).toEqual(['raw', 'chainId', 'token']);
  });
});
