import { describe, expect, it } from 'vitest';
import { faultsOfPath } from './legal-paths.js';
import type { LedgerEvent } from './oracle-ledger.js';

type Step = readonly [type: string, state: string, rev: number, message?: string];
const told = (...steps: readonly Step[]): LedgerEvent[] =>
  steps.map(([type, state, rev, message = 'hello'], index) => ({
    seq: index + 1,
    id: 'tip',
    type,
    state,
    rev,
    sender: 'somebody',
    message,
  }));
const blankAndBack = told(['tip', 'seen', 1], ['tip.updated', 'confirmed', 2, ''], ['tip.updated', 'confirmed', 3]);

describe(faultsOfPath, () => {
  it.each([
    ['the usual one', told(['tip', 'confirmed', 1], ['tip.updated', 'safe', 2], ['tip.updated', 'finalized', 3])],
    ['a fork and back', told(['tip', 'confirmed', 1], ['tip.retracted', 'orphaned', 2], ['tip.updated', 'confirmed', 3])],
    ['a promise that is kept', told(['tip', 'seen', 1], ['tip.updated', 'confirmed', 2])],
    ['a promise that is broken', told(['tip', 'seen', 1], ['tip.retracted', 'dropped', 2])],
    ['one that was waited for', told(['tip', 'confirmed', 4])],
  ])('finds nothing wrong with %s', (_, events) => {
    expect(faultsOfPath('tip', events, false)).toEqual([]);
  });

  it('lets a blank tip come back in the same state, where its creator has rules', () => {
    expect(faultsOfPath('tip', blankAndBack, true)).toEqual([]);
  });

  it.each([
    ['a second alert', told(['tip', 'confirmed', 1], ['tip', 'safe', 2])],
    ['a revision that is left out', told(['tip', 'confirmed', 1], ['tip.updated', 'safe', 3])],
    ['a revision that is told twice', told(['tip', 'confirmed', 1], ['tip.updated', 'safe', 1])],
    ['life after the end', told(['tip', 'finalized', 1], ['tip.retracted', 'orphaned', 2])],
    ['a retraction of what stands', told(['tip', 'confirmed', 1], ['tip.retracted', 'safe', 2])],
    ['a change of what was never told', told(['tip.updated', 'confirmed', 1])],
    ['a change of nothing', told(['tip', 'confirmed', 1], ['tip.updated', 'confirmed', 2])],
    ['a blank tip that comes back without rules', blankAndBack],
  ])('finds %s', (_, events) => {
    expect(faultsOfPath('tip', events, false)).toHaveLength(1);
  });
});
