import { describe, expect, it } from 'vitest';
import { benchPlan, PARTS, UnclearPlan } from './bench-plan.js';

describe(benchPlan, () => {
  it('measures everything in full when nothing is said', () => {
    const { parts, isQuick } = benchPlan([]);
    expect([...parts]).toEqual([...PARTS]);
    expect(isQuick).toBe(false);
  });

  it('measures what is named, with small sizes when told to', () => {
    const { parts, isQuick, sizes } = benchPlan(['--only', 'decode,ponder', '--quick']);
    expect([...parts]).toEqual(['decode', 'ponder']);
    expect(isQuick).toBe(true);
    const full = benchPlan([]).sizes;
    expect(sizes.historyBlocks * sizes.tipsPerBlock).toBeLessThan(full.historyBlocks * full.tipsPerBlock);
    expect(sizes.kills).toBeLessThan(full.kills);
  });

  it.each([['--onyl', 'decode'], ['--only'], ['--only', ''], ['--only', 'decode,speed']])(
    'refuses what it does not understand: %s %s',
    (...args) => {
      expect(() => benchPlan(args.filter((arg) => typeof arg === 'string'))).toThrow(UnclearPlan);
    },
  );
});
