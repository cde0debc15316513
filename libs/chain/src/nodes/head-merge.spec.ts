import { aBlock, aChildOf } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { HeadMerge } from './head-merge.js';

const base = aBlock({ number: 10 });
const [a, b] = [aChildOf(base), aChildOf(base)];

describe(HeadMerge.name, () => {
  it('passes a head on once', () => {
    const merge = new HeadMerge();
    expect([merge.admit(a, 'one'), merge.admit(a, 'two'), merge.admit(a, 'one')]).toEqual([true, false, false]);
  });

  it('holds a rival back until a second telling, or its child', () => {
    const merge = new HeadMerge();
    merge.admit(a, 'one');
    expect(merge.admit(b, 'two')).toBe(false);
    expect(merge.admit(b, 'three')).toBe(true);
    const other = new HeadMerge();
    other.admit(a, 'one');
    other.admit(b, 'two');
    expect(other.admit(aChildOf(b), 'two')).toBe(true);
  });

  it('believes an endpoint at once that changes its mind', () => {
    const merge = new HeadMerge();
    merge.admit(a, 'one');
    expect(merge.admit(b, 'one')).toBe(true);
  });

  it('passes a branch on again when an endpoint goes back to it', () => {
    const merge = new HeadMerge();
    const lower = aBlock({ number: 9 });
    const story = [a, b, a, a, lower, a].map((head) => merge.admit(head, 'one'));
    expect(story).toEqual([true, true, true, false, true, true]);
  });

  it('does not repeat old heads of an endpoint that is behind', () => {
    const merge = new HeadMerge();
    for (const head of [base, a]) merge.admit(head, 'one');
    expect(merge.admit(base, 'two')).toBe(false);
  });

  it('takes the blocks of a shorter branch as news at once', () => {
    const merge = new HeadMerge();
    const high = aBlock({ number: 20 });
    merge.admit(high, 'one');
    const low = aBlock({ number: 15 });
    expect(merge.admit(low, 'one')).toBe(true);
    expect(merge.admit(aChildOf(low), 'one')).toBe(true);
  });
});
