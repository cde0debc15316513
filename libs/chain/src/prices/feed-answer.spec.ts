import { describe, expect, it } from 'vitest';
import { TimedOut, type Hex } from '@droppio/tips';
import { RpcFailed } from '../nodes/rpc-failure.js';
import { ASK_DECIMALS, ASK_ROUND, failureOf, readDecimals, readRound } from './feed-answer.js';

const word = (value: bigint): string => BigInt.asUintN(256, value).toString(16).padStart(64, '0');
const words = (...values: readonly bigint[]): Hex => `0x${values.map(word).join('')}`;

describe(readRound.name, () => {
  it('asks by the selectors that every aggregator has', () => {
    expect([ASK_ROUND, ASK_DECIMALS]).toEqual(['0xfeaf968c', '0x313ce567']);
  });

  it('reads a round, also one with a negative answer and the largest numbers', () => {
    const most = 2n ** 80n - 1n;
    expect(readRound(words(most, -5n, 1n, 2n ** 256n - 1n, most))).toEqual({
      roundId: most,
      answer: -5n,
      startedAt: 1n,
      updatedAt: 2n ** 256n - 1n,
    });
  });

  it.each<[string, Hex]>([
    ['nothing, as from an address without a contract', '0x'],
    ['one word', words(1n)],
    ['a round number that is none', words(2n ** 80n, 1n, 1n, 1n, 1n)],
  ])('refuses %s', (_, data) => {
    expect(readRound(data)).toBeUndefined();
  });

  it('reads decimals, and nothing else', () => {
    expect(readDecimals(words(18n))).toBe(18);
    expect(readDecimals('0x')).toBeUndefined();
  });
});

describe(failureOf.name, () => {
  it.each([
    ['geth', 'missing trie node 5a1b (path ) state 0x5a1b is not available'],
    ['geth by paths', 'historical state 6c1f is not available'],
    ['Erigon', 'state is pruned'],
    ['Nethermind', 'No state available for block 1234 (0xab)'],
    ['reth', 'state at block #1234 is pruned'],
    ['Besu', 'World state unavailable'],
    ['a provider', 'project ID does not have access to archive state'],
  ])('knows a node that has pruned the state: %s', (_, text) => {
    expect(failureOf(new RpcFailed('rpc', text, { rpcCode: -32000 }))).toBe('pruned');
  });

  it.each([
    ['geth', new RpcFailed('rpc', 'execution reverted: No data present', { rpcCode: 3 })],
    ['by its code alone', new RpcFailed('rpc', 'No data present', { rpcCode: 3 })],
    ['without a code of its own', new RpcFailed('rpc', 'VM execution error. Reverted', { rpcCode: -32015 })],
  ])('knows a contract that refuses: %s', (_, error) => {
    expect(failureOf(error)).toBe('reverted');
  });

  it.each([
    ['a block that the node does not know yet', new RpcFailed('rpc', 'header for hash not found', { rpcCode: -32000 })],
    ['an outage', new RpcFailed('network', 'ECONNREFUSED')],
    ['what an outage says of archives', new RpcFailed('http', 'status 503: archive')],
    ['a deadline', new TimedOut('late')],
  ])('takes all else as no answer: %s', (_, error) => {
    expect(failureOf(error)).toBe('no-answer');
  });

  it('is soon done with 170 KB of what a node may write', () => {
    const begun = performance.now();
    expect(failureOf(new RpcFailed('rpc', 'historical state '.repeat(10_000), { rpcCode: -32000 }))).toBe('no-answer');
    expect(performance.now() - begun).toBeLessThan(250);
  });
});
