import { describe, expect, it } from 'vitest';
import { EMPHASES, FAILPOINTS, planOf } from './scenario.js';
import { PAYMENT_WAYS } from './traits.js';

describe('a plan', () => {
  it.each(EMPHASES)('comes whole from one integer (%s)', (emphasis) => {
    for (const seed of [0, 1, 7, 123_456_789]) expect(planOf(seed, emphasis)).toEqual(planOf(seed, emphasis));
    expect(planOf(1, emphasis)).not.toEqual(planOf(2, emphasis));
  });

  it('has one liar at most about empty logs, and always two endpoints or more', () => {
    for (let seed = 0; seed < 500; seed += 1) {
      const plan = planOf(seed);
      const { forger } = plan.traits;
      const liars = plan.steps.flatMap(({ faults }) => faults.filter(({ kind }) => kind === 'empty-logs').map(({ endpoint }) => endpoint));
      expect(new Set([...liars, ...(forger === undefined ? [] : [forger.endpoint])]).size).toBeLessThanOrEqual(1);
      expect(plan.endpoints).toBeGreaterThanOrEqual(forger === undefined ? 2 : 3);
    }
  });

  it('brings up every action within some hundred seeds', () => {
    const plans = Array.from({ length: 400 }, (_, seed) => planOf(seed));
    const processes = plans.flatMap(({ steps }) => steps.flatMap(({ process }) => (process === undefined ? [] : [process])));
    const chains = new Set(plans.flatMap(({ steps }) => steps.map(({ chain }) => chain.kind)));
    expect(chains).toEqual(new Set(['mine', 'reorg', 'rollback', 'flip', 'split', 'rest']));
    expect(new Set(processes.map(({ kind }) => kind)).size).toBe(10);
    expect(new Set(processes.flatMap((action) => (action.kind === 'kill' ? [action.at] : [])))).toEqual(new Set(FAILPOINTS));
    const txs = plans.flatMap(({ steps }) =>
      steps.flatMap(({ chain }) => (chain.kind === 'mine' ? chain.blocks.flatMap((block) => block.txs) : [])),
    );
    expect(new Set(txs.flatMap(({ ways }) => ways))).toEqual(new Set(PAYMENT_WAYS));
    expect(txs.every(({ ways, amounts }) => ways.length === amounts.length)).toBe(true);
  });
});
