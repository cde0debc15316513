import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidCursor, type StoredTip } from '@droppio/tips';
import { aTip, randomHex } from '@droppio/tips/testing';
import { decodeCursor, encodeCursor } from './tip-history.js';

function aStoredTip(fields: Partial<StoredTip> = {}): StoredTip {
  const { txHash, creator, from, token, amount, message, ref } = aTip();
  const place = { chainId: 1, ordinal: 0, blockNumber: 5, blockHash: randomHex(32), blockTimestampMs: 1_700_000_000_000, logIndex: 0 };
  return { ...place, txHash, creator, from, token, amount, message, ref, state: 'confirmed', rev: 1, ...fields };
}

describe('the cursor of a history page', () => {
  it('comes back as the place it was made for', () => {
    const tip = aStoredTip({ chainId: 11_155_111, blockNumber: 9, logIndex: 7 });
    const { timeMs, chainId, block, logIndex, txHash } = decodeCursor(encodeCursor(tip));
    expect([timeMs, chainId, block, logIndex, `0x${txHash.toString('hex')}`]).toEqual(['1700000000000', 11_155_111, 9, 7, tip.txHash]);
  });

  it('is refused with a clear error when it is anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.json().map((json) => Buffer.from(json).toString('base64url')),
        ),
        (text) => {
          expect(() => decodeCursor(text)).toThrow(InvalidCursor);
        },
      ),
    );
  });
});
