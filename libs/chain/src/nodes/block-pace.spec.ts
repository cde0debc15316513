import { randomHex } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { BlockPace } from './block-pace.js';

describe(BlockPace.name, () => {
  const paceAfter = (...timestampsMs: readonly number[]): number => {
    const pace = new BlockPace();
    timestampsMs.forEach((timestampMs, number) => {
      pace.learn({ number, hash: randomHex(32), parentHash: randomHex(32), timestampMs, logsBloom: '0x' });
    });
    return pace.ms;
  };
  const NOW = 1_800_000_000_000;
  const steady = Array.from({ length: 20 }, (_, n) => NOW + n * 2000);

  it('learns the time between blocks', () => {
    expect(paceAfter(...steady)).toBeCloseTo(2000);
  });

  it.each([
    ['stood still for a day', 86_400_000],
    ['told one block from long ago', -NOW],
  ])('is itself again ten blocks after the chain %s', (_, leap) => {
    const last = steady.at(-1) ?? NOW;
    const after = Array.from({ length: 12 }, (_unused, n) => last + 2000 * (n + 2));
    const pace = paceAfter(...steady, last + leap, ...(leap < 0 ? after : after.map((ms) => ms + leap)));
    expect(pace).toBeGreaterThan(1500);
    expect(pace).toBeLessThan(3000);
  });
});
