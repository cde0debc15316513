import { expect, it } from 'vitest';
import { BrokerUnavailable, Conflict, isRetryable } from './errors.js';
import { toHex } from './hex.js';
import { tipId } from './tip.js';

it('a tip id names chain, transaction and rank', () => {
  expect(tipId({ chainId: 8453, txHash: '0xab', ordinal: 1 })).toBe('8453-0xab-1');
});

it('hex is lower-cased, and of the length asked for', () => {
  expect(toHex('0xABcd')).toBe('0xabcd');
  expect(toHex('0xABcd', 2)).toBe('0xabcd');
  expect(() => toHex('0xABcd', 3)).toThrow('not 3 bytes of 0x-hex');
  expect(() => toHex('abcd')).toThrow('not 0x-hex');
});

it('an error says whether the same call may succeed later; an unknown one is taken to pass', () => {
  expect(isRetryable(new BrokerUnavailable('redis is away'))).toBe(true);
  expect(isRetryable(new Conflict('taken'))).toBe(false);
  expect(isRetryable(new Error('?'))).toBe(true);
});

it('an error keeps its cause and context and is named after its class', () => {
  const cause = new Error('ECONNREFUSED');
  const error = new BrokerUnavailable('redis is away', { cause, context: { attempt: 3 } });
  expect(error).toMatchObject({ name: 'BrokerUnavailable', code: 'broker-unavailable', cause, context: { attempt: 3 } });
});
