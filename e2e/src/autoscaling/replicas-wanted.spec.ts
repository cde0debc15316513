import { describe, expect, it } from 'vitest';
import { wantedByAll, wantedByPods, wantedBySum } from './replicas-wanted.js';

const ready = (...sockets: number[]) => sockets.map((count) => ({ sockets: count, isPending: false }));
const pending = { sockets: undefined, isPending: true };
const silent = { sockets: undefined, isPending: false };

describe(wantedByPods.name, () => {
  it('asks for as many pods as bring the average to the target, rounded up', () => {
    expect(wantedByPods(ready(200, 200, 200), 3, 100)).toBe(6);
    expect(wantedByPods(ready(40, 40, 40), 3, 100)).toBe(2);
  });

  it('leaves a tenth more or less alone', () => {
    expect(wantedByPods(ready(110, 110), 2, 100)).toBe(2);
    expect(wantedByPods(ready(90, 90), 2, 100)).toBe(2);
    expect(wantedByPods(ready(111, 111), 2, 100)).toBe(3);
  });

  it('counts pods that are still coming as idle before it asks for more, and not at all before it asks for fewer', () => {
    expect(wantedByPods([...ready(200, 200), pending, pending], 4, 100)).toBe(4);
    expect(wantedByPods([...ready(300, 300), pending, pending], 4, 100)).toBe(6);
    expect(wantedByPods([...ready(50, 50), pending], 3, 100)).toBe(1);
  });

  it('takes a pod that says nothing for busy when the others idle, and for idle when they are busy', () => {
    expect(wantedByPods([...ready(30, 30), silent], 3, 100)).toBe(2);
    expect(wantedByPods([...ready(200, 200), silent], 3, 100)).toBe(4);
    expect(wantedByPods([...ready(120, 120), silent], 3, 100)).toBe(3);
  });

  it('wants nothing when nobody has said anything', () => {
    expect(wantedByPods([silent, pending], 2, 100)).toBeUndefined();
  });
});

describe(wantedBySum.name, () => {
  it('divides the sum by the target, and leaves a tenth more or less alone', () => {
    expect(wantedBySum(1000, 3, 100)).toBe(10);
    expect(wantedBySum(330, 3, 100)).toBe(3);
    expect(wantedBySum(331, 3, 100)).toBe(4);
    expect(wantedBySum(150, 3, 100)).toBe(2);
  });
});

describe(wantedByAll.name, () => {
  it('takes the most that any metric asks for', () => {
    expect(wantedByAll([4, 7], 5)).toBe(7);
    expect(wantedByAll([3, 4], 5)).toBe(4);
  });

  it('grows on what it can read, and does not shrink while something cannot be read', () => {
    expect(wantedByAll([undefined, 7], 5)).toBe(7);
    expect(wantedByAll([4, undefined], 5)).toBeUndefined();
    expect(wantedByAll([undefined, undefined], 5)).toBeUndefined();
  });
});
