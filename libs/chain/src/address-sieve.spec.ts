import fc from 'fast-check';
import { randomHex } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { AddressSieve } from './address-sieve.js';

const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => `0x${Buffer.from(bytes).toString('hex')}` as const);

describe(AddressSieve.name, () => {
  it('never denies an address that was added, nor the topic that ends with it', () => {
    fc.assert(
      fc.property(fc.array(address, { minLength: 1, maxLength: 50 }), (added) => {
        const sieve = new AddressSieve();
        for (const one of added) sieve.add(one);
        for (const one of added) {
          expect(sieve.maybe(one)).toBe(true);
          expect(sieve.maybe(`0x${'0'.repeat(24)}${one.slice(2)}`)).toBe(true);
        }
      }),
    );
  });

  it('denies nearly all others, also when it holds a hundred thousand', () => {
    const sieve = new AddressSieve();
    for (let n = 0; n < 100_000; n += 1) sieve.add(randomHex(20));
    const passed = Array.from({ length: 10_000 }, () => randomHex(20)).filter((stranger) => sieve.maybe(stranger));
    expect(passed.length).toBeLessThan(200);
  });

  it('makes nothing of what is no address', () => {
    expect(new AddressSieve().maybe('0x')).toBe(false);
  });
});
