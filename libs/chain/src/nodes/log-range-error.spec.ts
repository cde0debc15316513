import { describe, expect, it } from 'vitest';
import { isTooMuch, rangeAdvice } from './log-range-error.js';
import { RpcFailed } from './rpc-failure.js';

/** What providers have been seen to answer to a range of 20 000 blocks, and the span to ask for next. */
const REFUSALS: readonly [provider: string, code: number, text: string, span: number][] = [
  ['Avalanche', -32000, 'requested too many blocks from 0 to 20000, maximum is set to 2048', 2047],
  ['Cloudflare', -32602, 'Max range: 800', 799],
  ['thirdweb', -32005, 'Maximum allowed number of requested blocks is 3500', 3500],
  ['Infura', -32005, 'query returned more than 10000 results. Try with this block range [0x10, 0x1f].', 16],
  ['zkSync', -32602, 'Query returned more than 10000 results. Try with this block range [0x1, 0x64].', 100],
  ['Ankr', -32600, 'block range is too wide', 3000],
  ['Alchemy', -32602, 'Log response size exceeded. Based on your parameters, this block range should work: [0x0, 0x3e7]', 1000],
  ['Alchemy, inverted', -32602, 'this block range should work: [0x3e7, 0x0]', 1000],
  ['QuickNode', -32614, 'eth_getLogs is limited to a 10,000 range', 10_000],
  ['1RPC', -32000, 'eth_getLogs is limited to a 1000 block range', 1000],
  ['BlockPI', -32600, 'eth_getLogs is limited to 1024 block range. Please check the parameter requirements', 1024],
  ['Blast paid', -32600, 'block range of 20000 exceeds the range allowed for your plan (20000 > 3000).', 3000],
  ['Chainstack', -32000, 'Block range limit exceeded.', 100],
  ['Coinbase', -32602, 'please limit the query to at most 1000 blocks', 999],
  ['PublicNode', -32701, 'maximum block range: 50000', 10_000],
  ['Hyperliquid', -32603, 'query exceeds max block range 50', 50],
  ['Swell', -32600, 'block range greater than 5000 max', 5000],
  ['Somnia', -32000, 'block range exceeds 1000', 1000],
  ['Merkle', -32000, 'eth_getLogs range is too large, max is 10k blocks', 10_000],
  ['Merkle', -32000, 'eth_getLogs range is too large, max is 1k blocks', 1000],
  ['Harmony', -32000, 'query must be smaller than size 1024', 1024],
  ['Moonriver', -32603, 'block range is too wide (maximum 1024)', 1024],
  ['Aurora', -32600, 'up to a 2000 block range', 2000],
  ['Ankr TAC', -32000, 'maximum [from, to] blocks distance: 10000', 10_000],
  ['Tron', -32000, 'exceed max block range: 5000', 4999],
  ['Sei', -32000, 'block range too large (20000), maximum allowed is 2000 blocks', 2000],
  ['HyperIndex', -32602, 'retry with the range 100-199', 100],
  ['Altitude', -32000, 'allowed block range threshold exceeded', 10_000],
  ['eRPC', -32012, 'getLogs request exceeded max allowed range', 10_000],
  ['Base', -32011, 'no backend is currently healthy to serve traffic', 10_000],
  ['Monad', -32614, 'block range too large', 10_000],
  ['Optimism', -32000, 'Block range is too large', 10_000],
  ['Optimism', -32008, 'backend response too large', 10_000],
  ['llamarpc', -32000, 'query exceeds max results 20000, retry with the range 100-199', 100],
  ['llamarpc', -32000, 'query exceeds max results 20000', 10_000],
  ['Arbitrum', -32000, 'logs matched by query exceeds limit of 10000', 10_000],
  ['zkEVM', -32000, 'query returned more than 10000 results', 10_000],
  ['1RPC', -32000, 'response size should not greater than 10000000 bytes', 10_000],
  ['dRPC', 35, 'ranges over 10000 blocks are not supported on freetier', 10_000],
  ['several', -32000, 'response is too big', 10_000],
  ['several', -32000, 'too many logs', 10_000],
  ['several', -32000, '12,000 logs returned', 10_000],
];

const refusal = (text: string, rpcCode = -32000): RpcFailed => new RpcFailed('rpc', text, { rpcCode });

describe(rangeAdvice.name, () => {
  it.each(REFUSALS)('understands %s (%i): %s', (_, code, text, span) => {
    expect(rangeAdvice(refusal(text, code), 20_000)?.span).toBe(span);
  });

  it('always asks for less, down to one block', () => {
    for (const [, code, text] of REFUSALS) {
      for (let span = 20_000, turns = 0; span > 1; turns += 1) {
        const next = rangeAdvice(refusal(text, code), span)?.span ?? 0;
        expect(next).toBeGreaterThanOrEqual(1);
        expect(next).toBeLessThan(span);
        expect(turns).toBeLessThan(20);
        span = next;
      }
    }
  });

  it.each(['execution reverted', 'unknown block', 'method not found', 'header not found'])(
    'does not take "%s" for a matter of range',
    (text) => {
      expect(rangeAdvice(refusal(text), 1000)).toBeUndefined();
    },
  );

  it.each([',', '9', '9 '])('is soon done with 60 KB of %j', (piece) => {
    const begun = performance.now();
    expect(rangeAdvice(refusal(piece.repeat(60_000 / piece.length)), 1000)).toBeUndefined();
    expect(isTooMuch(refusal(piece.repeat(60_000 / piece.length)))).toBe(false);
    expect(performance.now() - begun).toBeLessThan(250);
  });

  it('does not listen to nodes that could not be read', () => {
    expect(rangeAdvice(new RpcFailed('malformed', 'block range is too large'), 1000)).toBeUndefined();
  });
});

describe(isTooMuch.name, () => {
  it('tells too many logs from too many blocks', () => {
    expect(isTooMuch(refusal('query returned more than 10000 results'))).toBe(true);
    expect(isTooMuch(refusal('eth_getLogs is limited to a 10,000 range'))).toBe(false);
  });
});
