import { readFileSync } from 'node:fs';
import { InvalidSettings, loadEnv } from '@droppio/platform';
import { randomHex } from '@droppio/tips/testing';
import * as z from 'zod';
import { describe, expect, it } from 'vitest';
import { acceptedTokens, chainEnv, pricedTokens, watchesWallets } from './chain-settings.js';

const chain = {
  chainId: 8453,
  name: 'base',
  rpcUrls: ['https://rpc.example'],
  tipJar: '0x52908400098527886E0F7030069857D2E4169EE7',
  native: { symbol: 'ETH', decimals: 18 },
};
const read = (value: unknown) => loadEnv(z.object(chainEnv), { CHAINS: typeof value === 'string' ? value : JSON.stringify(value) }).CHAINS;
const faults = (value: unknown): readonly string[] => {
  try {
    read(value);
    return [];
  } catch (error) {
    return error instanceof InvalidSettings ? error.faults : [String(error)];
  }
};

describe('CHAINS', () => {
  it('needs little and fills in the rest', () => {
    expect(read([chain])).toEqual([
      {
        ...chain,
        tipJar: chain.tipJar.toLowerCase(),
        wsUrls: [],
        tokens: [],
        transfers: { tokens: true, native: false },
        confirmations: 1,
        window: 256,
        finalityDepth: 64,
      },
    ]);
  });

  it('takes the example of the documentation, which names every field', () => {
    const page = readFileSync(new URL('../../../docs/CHAINS.md', import.meta.url), 'utf8');
    const [, example = ''] = /```json\n([^]*?)```/.exec(page) ?? [];
    const [settings] = read(example);
    expect(settings).toMatchObject({ chainId: 8453, transfers: { tokens: true, native: false } });
    const fields = Object.keys(settings ?? {});
    expect(fields.filter((field) => !page.includes(`\`${field}`))).toEqual([]);
  });

  it('accepts the native coin and the listed tokens', () => {
    const address = randomHex(20);
    const [settings] = read([{ ...chain, tokens: [{ address, symbol: 'USDC', decimals: 6 }] }]);
    expect(settings && [...acceptedTokens(settings).values()].map(({ symbol }) => symbol)).toEqual(['ETH', 'USDC']);
  });

  it.each([
    ['a chain without tokens', {}, false],
    ['a chain with tokens', { tokens: true }, true],
    ['native transfers', { native: true }, true],
    ['neither', { tokens: false }, false],
  ])('knows whether wallets must be watched: %s', (_, transfers, isWatched) => {
    const tokens = 'tokens' in transfers ? [{ address: randomHex(20), symbol: 'USDC', decimals: 6 }] : [];
    const [settings] = read([{ ...chain, tokens, transfers }]);
    expect(settings && watchesWallets(settings)).toBe(isWatched);
  });

  const two = { ...chain, rpcUrls: ['https://rpc.example', 'https://other.example'] };
  const oneEther = { token: `0x${'0'.repeat(40)}`, amount: '1000000000000000000' };

  it('takes a quorum of two providers, for all that becomes final unless told otherwise', () => {
    expect(read([{ ...two, quorum: {} }])[0]?.quorum).toEqual({ above: [], finalized: true });
    const [settings] = read([{ ...two, quorum: { above: [oneEther], finalized: false } }]);
    expect(settings?.quorum).toEqual({ above: [{ token: oneEther.token, amount: 10n ** 18n }], finalized: false });
    const ports = ['http://127.0.0.1:8545', 'http://127.0.0.1:8546'];
    expect(read([{ ...two, rpcUrls: ports, quorum: {} }])[0]?.quorum?.finalized).toBe(true);
  });

  const token = { address: randomHex(20), symbol: 'USDC', decimals: 6 };
  const feed = { feed: randomHex(20), maxAgeSec: 1200 };

  it('takes a feed or a fixed price for coins and tokens', () => {
    const native = { ...chain.native, usd: feed };
    const [settings] = read([
      {
        ...chain,
        native,
        tokens: [
          { ...token, usd: '0.9995' },
          { ...token, address: randomHex(20) },
        ],
        sequencer: feedOnly,
      },
    ]);
    expect(settings && [...pricedTokens(settings)]).toEqual([
      [oneEther.token, { decimals: 18, usd: { ...feed, decimals: 8 } }],
      [token.address, { decimals: 6, usd: { peg: '0.9995' } }],
    ]);
    expect(settings?.sequencer).toEqual({ ...feedOnly, graceSec: 3600 });
  });
  const feedOnly = { feed: randomHex(20) };
  it.each<[string, unknown, RegExp]>([
    ['no JSON', '[{', /CHAINS does not fit: it is not valid JSON\./],
    ['no list', {}, /CHAINS does not fit: .*array/],
    ['no chain', [], /at least one chain is needed/],
    ['a chain twice', [chain, chain], /two chains have the same chainId/],
    ['no RPC', [{ ...chain, rpcUrls: [] }], /CHAINS \(at 0\.rpcUrls\) does not fit: at least one is needed/],
    ['a WebSocket as RPC', [{ ...chain, rpcUrls: ['wss://x'] }], /0\.rpcUrls\.0.*must look like https/],
    ['an RPC as WebSocket', [{ ...chain, wsUrls: ['https://x'] }], /0\.wsUrls\.0.*must look like wss/],
    ['a short address', [{ ...chain, tipJar: '0x12' }], /0\.tipJar.*20 bytes of hex/],
    ['the zero address', [{ ...chain, tipJar: `0x${'0'.repeat(40)}` }], /0\.tipJar.*zero address/],
    ['a token twice', [{ ...chain, tokens: [token, token] }], /0\.tokens.*listed twice/],
    ['the native coin as a token', [{ ...chain, tokens: [{ ...token, address: `0x${'0'.repeat(40)}` }] }], /0\.tokens.*native coin/],
    ['the jar as a token', [{ ...chain, tokens: [{ ...token, address: chain.tipJar }] }], /0\.tokens.*tip jar is not a token/],
    ['a misspelt transfer', [{ ...chain, transfers: { erc20: true } }], /0\.transfers.*erc20/],
    ['a misspelt name', [{ ...chain, rpcUrl: 'https://x' }], /rpcUrl/],
    ['confirmations beyond the window', [{ ...chain, confirmations: 20, window: 8 }], /0\.confirmations.*smaller than window/],
    ['a quorum of one provider', [{ ...chain, quorum: {} }], /0\.quorum.*at least two providers/],
    [
      'a quorum of one host',
      [{ ...two, rpcUrls: ['https://rpc.example/a', 'https://rpc.example:443/b'], quorum: {} }],
      /at least two providers/,
    ],
    ['a quorum for nothing', [{ ...two, quorum: { finalized: false } }], /0\.quorum.*asks for nothing/],
    [
      'a quorum for an unlisted token',
      [{ ...two, quorum: { above: [{ token: randomHex(20), amount: '1' }] } }],
      /0\.quorum\.above.*nor among tokens/,
    ],
    [
      'a quorum for a fraction',
      [{ ...two, quorum: { above: [{ token: token.address, amount: '1.5' }] } }],
      /0\.quorum\.above\.0\.amount.*whole number/,
    ],
    ['a quorum for a number', [{ ...two, quorum: { above: [{ token: token.address, amount: 1e18 }] } }], /0\.quorum\.above\.0\.amount/],
    ['a token twice in a quorum', [{ ...two, quorum: { above: [oneEther, oneEther] } }], /0\.quorum\.above.*listed twice/],
    [
      'a feed without an age',
      [{ ...chain, native: { ...chain.native, usd: feedOnly } }],
      /0\.native\.usd\.maxAgeSec.*how old an answer may be/,
    ],
    [
      'a feed at no address',
      [{ ...chain, tokens: [{ ...token, usd: { ...feed, feed: '0x1' } }] }],
      /0\.tokens\.0\.usd\.feed.*20 bytes of hex/,
    ],
    ['a misspelt feed', [{ ...chain, native: { ...chain.native, usd: { ...feed, maxAge: 1 } } }], /0\.native\.usd.*maxAge/],
    ['a fixed price as a number', [{ ...chain, native: { ...chain.native, usd: 1 } }], /0\.native\.usd.*object/],
    ['a fixed price of nothing', [{ ...chain, native: { ...chain.native, usd: '0.0' } }], /0\.native\.usd.*fixed price must be above zero/],
    [
      'a sequencer for no feed',
      [{ ...chain, tokens: [{ ...token, usd: '1' }], sequencer: feedOnly }],
      /0\.sequencer.*no coin or token has a price feed/,
    ],
    ['a negative start', [{ ...chain, startBlock: -1 }], /0\.startBlock/],
  ])('says in a sentence what is wrong with %s', (_, value, sentence) => {
    expect(faults(value).join('\n')).toMatch(sentence);
  });

  it('lists all faults at once', () => {
    expect(faults([{ ...chain, tipJar: 'x', rpcUrls: ['x'] }])).toHaveLength(2);
  });
});
