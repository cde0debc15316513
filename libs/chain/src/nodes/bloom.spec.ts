import fc from 'fast-check';
import { randomHex } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { bloomOf, bloomOracle } from './bloom.js';

const hexes = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => `0x${Buffer.from(value).toString('hex')}` as const);

describe(bloomOracle.name, () => {
  it('never excludes a block that holds a log of ours', () => {
    fc.assert(
      fc.property(hexes(20), hexes(32), fc.array(hexes(32), { maxLength: 60 }), (address, topic, others) => {
        expect(bloomOracle({ addresses: [address], topics: [topic] })(bloomOf([...others, address, topic]))).toBe('possible');
      }),
    );
  });

  it('excludes nearly every block that does not', () => {
    const possible = bloomOracle({ addresses: [randomHex(20)], topics: [randomHex(32)] });
    const blooms = Array.from({ length: 200 }, () => bloomOf(Array.from({ length: 50 }, () => randomHex(32))));
    expect(blooms.filter((bloom) => possible(bloom) === 'possible').length).toBeLessThan(5);
  });

  it('needs the address and the topic', () => {
    const [address, topic] = [randomHex(20), randomHex(32)];
    const verdict = bloomOracle({ addresses: [address], topics: [topic] });
    expect([verdict(bloomOf([address])), verdict(bloomOf([topic]))]).toEqual(['excluded', 'excluded']);
    expect(bloomOracle({ addresses: [address], topics: [] })(bloomOf([address]))).toBe('possible');
    expect(bloomOracle({ addresses: [], topics: [topic] })(bloomOf([topic]))).toBe('possible');
  });

  it('excludes a block whose addresses and topics are ours, though in no pair that is of interest', () => {
    const [jar, token, tip, transfer] = [randomHex(20), randomHex(20), randomHex(32), randomHex(32)];
    const every = { addresses: [jar, token], topics: [tip, transfer] };
    const crossed = bloomOf([jar, transfer]);
    expect(bloomOracle(every)(crossed)).toBe('possible');
    const verdict = bloomOracle({
      ...every,
      pairs: [
        [jar, tip],
        [token, transfer],
      ],
    });
    expect([crossed, bloomOf([token, tip])].map(verdict)).toEqual(['excluded', 'excluded']);
    expect([bloomOf([jar, tip]), bloomOf([token, transfer, tip])].map(verdict)).toEqual(['possible', 'possible']);
  });

  it('cannot be used when it is all zero or of another length', () => {
    const verdict = bloomOracle({ addresses: [randomHex(20)], topics: [] });
    expect([verdict(bloomOf([])), verdict('0x'), verdict('0xff')]).toEqual(['unusable', 'unusable', 'unusable']);
  });

  it('sets the bits that the yellow paper names', () => {
    // keccak256 of 20 zero bytes starts with 5380 c7b7 ae81: bits 0x380, 0x7b7 and 0x681.
    const bloom = BigInt(bloomOf([`0x${'00'.repeat(20)}`]));
    expect(bloom).toBe((1n << 0x380n) | (1n << 0x7b7n) | (1n << 0x681n));
  });
});
