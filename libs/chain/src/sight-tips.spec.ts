import { describe, expect, it } from 'vitest';
import { NATIVE_TOKEN, type ChainLog } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { chainSettings } from './chain-settings.js';
import { TIP_TOPIC, type RawTip } from './decode-tip.js';
import { TipSpotter } from './sight-tips.js';
import { aRawTip, aTipLog } from './testing/tip-log.js';

const usdc = randomHex(20);
const jar = randomHex(20);
const chain = chainSettings({
  chainId: 8453,
  name: 'test',
  rpcUrls: ['http://127.0.0.1:1'],
  tipJar: jar,
  native: { symbol: 'ETH' },
  tokens: [{ address: usdc, symbol: 'USDC', decimals: 6 }],
});
const spotter = new TipSpotter(chain);
const log = (fields: Partial<ChainLog> = {}, tip = aRawTip()): ChainLog => aTipLog(tip, { address: jar, ...fields });

describe(TipSpotter.name, () => {
  it('asks for the tip event of the configured jar only, when transfers do not count', () => {
    const jarOnly = new TipSpotter({ ...chain, transfers: { tokens: false, native: true } });
    expect(jarOnly.filter).toEqual({ addresses: [jar], topics: [TIP_TOPIC] });
  });

  it('makes a tip of a log, with what an overlay may show of it', () => {
    const raw = aRawTip({ amount: 1_500_000n, token: usdc, message: 'gg' });
    const [tip] = spotter.sight([log({ txHash: randomHex(32) }, raw)]).tips;
    expect(tip).toMatchObject({ ...raw, ordinal: 0 });
    expect(tip?.display).toMatchObject({
      tipId: `8453-${tip?.txHash ?? ''}-0`,
      amount: { raw: '1500000', decimals: 6, symbol: 'USDC', chainId: 8453, token: usdc },
      message: 'gg',
    });
  });

  it('says what a token is worth that is held to be worth so much, and leaves feeds to those who read them later', () => {
    const feed = { feed: randomHex(20), decimals: 8, maxAgeSec: 90_000 };
    const tokens = [{ address: usdc, symbol: 'USDC', decimals: 6, usd: { peg: '0.9995' } }];
    const priced = new TipSpotter({ ...chain, native: { symbol: 'ETH', decimals: 18, usd: feed }, tokens });
    const worthOf = (tip: RawTip) => priced.sight([log({}, tip)]).tips[0]?.display?.usd;
    expect(worthOf(aRawTip({ amount: 2_000_000n, token: usdc }))).toBe('1.99900000');
    expect(worthOf(aRawTip({ token: NATIVE_TOKEN }))).toBeUndefined();
    expect(spotter.sight([log({}, aRawTip({ token: usdc }))]).tips[0]?.display).not.toHaveProperty('usd');
  });

  it('ranks tips within their transaction, whatever lies between them', () => {
    const [one, two] = [randomHex(32), randomHex(32)];
    const stranger = log({ txHash: one, address: randomHex(20) });
    const logs = [log({ txHash: one, logIndex: 3 }), stranger, log({ txHash: two, logIndex: 5 }), log({ txHash: one, logIndex: 9 })];
    const { tips } = spotter.sight(logs);
    expect(tips.map(({ txHash, ordinal, logIndex }) => [txHash, ordinal, logIndex])).toEqual([
      [one, 0, 3],
      [two, 0, 5],
      [one, 1, 9],
    ]);
  });

  it('keeps the rank of a log that it cannot read', () => {
    const txHash = randomHex(32);
    const { tips, quarantined } = spotter.sight([{ ...log({ txHash }), data: '0x' }, log({ txHash, logIndex: 1 })]);
    expect(tips).toMatchObject([{ ordinal: 1 }]);
    expect(quarantined).toMatchObject([{ code: 'too-short' }]);
  });

  it('stores a tip of a token that nobody allowed without anything to show, whatever the token calls itself', () => {
    const [tip] = spotter.sight([log({}, aRawTip({ token: randomHex(20) }))]).tips;
    expect(tip).toBeDefined();
    expect(tip).not.toHaveProperty('display');
  });

  it('sets a tip of nothing aside', () => {
    expect(spotter.sight([log({}, aRawTip({ amount: 0n }))])).toMatchObject({ tips: [], quarantined: [{ code: 'zero-amount' }] });
  });

  it('ignores the same event from another contract', () => {
    expect(spotter.sight([log({ address: randomHex(20) })])).toMatchObject({ tips: [], quarantined: [] });
  });

  it.each([
    ['a NUL', 'a\0b', 'ab'],
    ['bidi controls', 'a\u202eb\u2066c', 'abc'],
    ['nothing but spaces', ' \n\t ', ''],
  ])('cleans a message with %s', (_, given, kept) => {
    const [tip] = spotter.sight([log({}, aRawTip({ message: given }))]).tips;
    expect(tip?.message).toBe(kept);
    expect(tip?.display?.message).toBe(kept);
  });

  it('survives 10 KB of combining marks', () => {
    const [tip] = spotter.sight([log({}, aRawTip({ message: `a${'\u0301'.repeat(5000)}` }))]).tips;
    expect(tip?.message.length).toBeLessThan(10);
  });
});
