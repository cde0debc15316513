import fc from 'fast-check';
import { NATIVE_TOKEN, type ChainLog, type Hex, type SightedTip } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { chainSettings } from './chain-settings.js';
import { TIP_TOPIC, type RawTip } from './decode-tip.js';
import { TRANSFER_TOPIC, type RawTransfer } from './decode-transfer.js';
import { TipSpotter } from './sight-tips.js';
import { aRawTip, aRawTransfer, aTipLog, aTransferLog } from './testing/tip-log.js';
import { isTransfer, NATIVE_ORDINAL, transferOrdinal } from './tip-ordinal.js';

const [usdc, dai, jar] = [randomHex(20), randomHex(20), randomHex(20)];
const [ada, bob, fan] = [randomHex(20), randomHex(20), randomHex(20)];
const tokensOf = (...addresses: readonly Hex[]) => addresses.map((address) => ({ address, symbol: 'USDC', decimals: 6 }));
const chain = chainSettings({
  chainId: 8453,
  name: 'test',
  rpcUrls: ['http://127.0.0.1:1'],
  tipJar: jar,
  native: { symbol: 'ETH' },
  tokens: tokensOf(usdc, dai),
});
const spotter = new TipSpotter(chain, new Set([ada, bob]));

type Part = { readonly transfer: Partial<RawTransfer> } | { readonly tip: Partial<RawTip> };
/** One transaction that wrote these logs, in this order. */
function logsOf(parts: readonly Part[], { txHash = randomHex(32), from = 0 } = {}): ChainLog[] {
  return parts.map((part, index) => {
    const fields = { txHash, logIndex: from + index };
    if ('tip' in part) return aTipLog(aRawTip({ token: usdc, creator: ada, from: fan, ...part.tip }), { ...fields, address: jar });
    return aTransferLog(aRawTransfer({ token: usdc, to: ada, from: fan, ...part.transfer }), fields);
  });
}
const sight = (...parts: readonly Part[]): readonly SightedTip[] => spotter.sight(logsOf(parts)).tips;
const inShort = (tips: readonly SightedTip[]): unknown[] =>
  tips.map(({ creator, amount, ordinal }) => [creator, amount, isTransfer(ordinal)]);

describe(`${TipSpotter.name} and transfers`, () => {
  it('asks for transfers of the listed tokens and for tips of the jar, not for the other combinations', () => {
    expect(spotter.filter.addresses).toEqual([jar, usdc, dai]);
    expect(spotter.filter.topics).toEqual([TIP_TOPIC, TRANSFER_TOPIC]);
    expect(spotter.filter.pairs).toEqual([
      [jar, TIP_TOPIC],
      [usdc, TRANSFER_TOPIC],
      [dai, TRANSFER_TOPIC],
    ]);
  });

  it('makes a tip of a transfer straight to a wallet, with no message', () => {
    const [tip, ...others] = sight({ transfer: { amount: 1_500_000n } });
    expect(others).toEqual([]);
    expect(tip).toMatchObject({ creator: ada, from: fan, token: usdc, amount: 1_500_000n, message: '', ref: `0x${'00'.repeat(32)}` });
    expect(tip?.display).toMatchObject({ from: fan, message: '', amount: { raw: '1500000', symbol: 'USDC', decimals: 6, token: usdc } });
    expect(tip?.display?.tipId).toBe(`8453-${tip?.txHash ?? ''}-${String(tip?.ordinal)}`);
  });

  it('sees no tip in a transfer to anybody else, of nothing, to oneself or from nowhere', () => {
    expect(sight({ transfer: { to: randomHex(20) } })).toEqual([]);
    expect(sight({ transfer: { amount: 0n } })).toEqual([]);
    expect(sight({ transfer: { from: ada } })).toEqual([]);
    expect(sight({ transfer: { from: NATIVE_TOKEN } })).toEqual([]);
  });

  it('sees no tip in a transfer of a token that is not listed, whatever it calls itself', () => {
    expect(sight({ transfer: { token: randomHex(20) } })).toEqual([]);
    expect(spotter.filter.addresses).toHaveLength(3);
  });

  it('sees no tip in an NFT, and counts it when a listed token writes it', () => {
    const [log] = logsOf([{ transfer: {} }]);
    const nft = log && { ...log, topics: [...log.topics, randomHex(32)], data: '0x' as const };
    expect(spotter.sight(nft ? [nft] : [])).toEqual({ tips: [], quarantined: [], unreadable: 1 });
    const elsewhere = nft && { ...nft, address: randomHex(20) };
    expect(spotter.sight(elsewhere ? [elsewhere] : []).unreadable).toBe(0);
  });

  it('gives a transfer from one creator to another to the one who gets it', () => {
    expect(inShort(sight({ transfer: { from: ada, to: bob, amount: 5n } }))).toEqual([[bob, 5n, true]]);
  });

  it('takes no notice of transfers when the setting is off', () => {
    const off = new TipSpotter({ ...chain, transfers: { tokens: false, native: false } }, new Set([ada]));
    expect(off.sight(logsOf([{ transfer: {} }, { tip: { amount: 3n } }])).tips).toMatchObject([{ amount: 3n, ordinal: 0 }]);
  });

  describe('a tip through the jar', () => {
    it('is counted once, although the token tells of it, too', () => {
      expect(inShort(sight({ transfer: { amount: 7n } }, { tip: { amount: 7n } }))).toEqual([[ada, 7n, false]]);
    });

    it('is counted once when the token keeps a fee for somebody', () => {
      const parts = [{ transfer: { to: randomHex(20), amount: 1n } }, { transfer: { amount: 10n } }, { tip: { amount: 9n } }];
      expect(inShort(sight(...parts))).toEqual([[ada, 9n, false]]);
      expect(inShort(sight(...[parts[1], parts[0], parts[2]].filter((part) => part !== undefined)))).toEqual([[ada, 9n, false]]);
    });

    it('takes exactly one transfer with it: what else the transaction pays is another tip', () => {
      const paid = sight({ transfer: { amount: 7n } }, { tip: { amount: 7n } }, { transfer: { amount: 7n } });
      expect(inShort(paid)).toEqual([
        [ada, 7n, false],
        [ada, 7n, true],
      ]);
      const twice = sight({ transfer: { amount: 2n } }, { tip: { amount: 2n } }, { transfer: { amount: 3n } }, { tip: { amount: 3n } });
      expect(twice.map(({ ordinal, amount }) => [ordinal, amount])).toEqual([
        [0, 2n],
        [1, 3n],
      ]);
    });

    it('takes the transfer before it that is nearest', () => {
      const paid = sight({ transfer: { amount: 100n } }, { transfer: { amount: 7n } }, { tip: { amount: 7n } });
      expect(inShort(paid)).toEqual([
        [ada, 100n, true],
        [ada, 7n, false],
      ]);
    });

    it.each<[string, Partial<RawTransfer>]>([
      ['of another token', { token: dai }],
      ['to another wallet', { to: bob }],
      ['from somebody else', { from: randomHex(20) }],
    ])('takes no transfer with it %s', (_, other) => {
      expect(sight({ transfer: { amount: 8n, ...other } }, { tip: { amount: 9n } })).toHaveLength(2);
    });

    it('takes no transfer of another transaction with it', () => {
      const logs = [...logsOf([{ transfer: {} }]), ...logsOf([{ tip: {} }], { from: 1 })];
      expect(spotter.sight(logs).tips).toHaveLength(2);
    });

    it('in the native coin takes nothing with it', () => {
      expect(sight({ transfer: {} }, { tip: { token: NATIVE_TOKEN } })).toHaveLength(2);
    });
  });

  describe('the number of a transfer', () => {
    const many = fc.array(fc.record({ token: fc.constantFrom(usdc, dai), to: fc.constantFrom(ada, bob, fan), amount: fc.bigInt(0n, 9n) }), {
      minLength: 1,
      maxLength: 20,
    });
    const numbered = (tips: readonly SightedTip[]): unknown[] => tips.map(({ creator, ordinal, amount }) => [creator, ordinal, amount]);

    it('is the same whoever else is a creator, whatever else is listed and wherever the transaction stands', () => {
      fc.assert(
        fc.property(many, fc.nat({ max: 100 }), (transfers, from) => {
          const parts = transfers.map((transfer) => ({ transfer }));
          const txHash = randomHex(32);
          const both = spotter.sight(logsOf(parts, { txHash })).tips;
          const onlyAda = new TipSpotter({ ...chain, tokens: tokensOf(usdc) }, new Set([ada]));
          const seen = onlyAda.sight(logsOf(parts, { txHash, from })).tips;
          expect(numbered(seen)).toEqual(numbered(both.filter(({ creator, token }) => creator === ada && token === usdc)));
          expect(new Set(both.map(({ ordinal }) => ordinal)).size).toBe(both.length);
        }),
      );
    });

    it('stays clear of the jar and of the coins that the transaction sends, and fits where it is stored', () => {
      fc.assert(
        fc.property(fc.bigInt(0n, 2n ** 160n - 1n), fc.nat({ max: 4095 }), (token, rank) => {
          const ordinal = transferOrdinal(`0x${token.toString(16).padStart(40, '0')}`, rank);
          expect(ordinal).toBeGreaterThanOrEqual(2 ** 30);
          expect(ordinal).toBeLessThanOrEqual(2 ** 31 - 1);
        }),
      );
      expect(transferOrdinal(usdc, 4096)).toBeUndefined();
      expect([999_999, NATIVE_ORDINAL, 2 ** 30].map(isTransfer)).toEqual([false, true, true]);
    });

    it('ends where no transaction can get to: what is beyond is set aside, not lost', () => {
      const { tips, quarantined } = spotter.sight(logsOf(Array.from({ length: 4100 }, () => ({ transfer: {} }))));
      expect(tips).toHaveLength(4096);
      expect(quarantined.map(({ code }) => code)).toEqual(Array.from({ length: 4 }, () => 'too-many-transfers'));
    });
  });

  describe('coins that a transaction sends', () => {
    const payment = (fields: Partial<Parameters<TipSpotter['sightPayments']>[0][number]> = {}) => ({
      txHash: randomHex(32),
      txIndex: 3,
      from: fan,
      to: ada,
      amount: 10n ** 16n,
      ...fields,
    });

    it('are a tip in the chain’s own coin, after all logs of the block', () => {
      const [tip] = spotter.sightPayments([payment()]);
      expect(tip).toMatchObject({ creator: ada, from: fan, token: NATIVE_TOKEN, amount: 10n ** 16n, ordinal: 1_000_000, message: '' });
      expect(tip?.display?.amount).toMatchObject({ raw: '10000000000000000', symbol: 'ETH', decimals: 18 });
      expect(tip?.logIndex).toBe(1_500_000_003);
    });

    it('are none when they go to somebody else, to oneself, to or from the jar, or are nothing', () => {
      const withJar = new TipSpotter(chain, new Set([ada, jar]));
      const none = [payment({ to: fan }), payment({ from: ada }), payment({ to: jar }), payment({ from: jar }), payment({ amount: 0n })];
      expect(withJar.sightPayments(none)).toEqual([]);
    });
  });
});
