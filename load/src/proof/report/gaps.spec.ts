import { describe, expect, it } from 'vitest';
import { Dice } from '../../chaos/dice.js';
import { aHistory } from '../checker/a-history.js';
import { kindOf, type History } from '../checker/history.js';
import { unfoundedGaps } from './gaps.js';

/** An overlay is told of a gap, and somebody else of its creator is sent an event that is so much newer at that time. */
function withGap(newer: number, laterMs = 0): History {
  const history = aHistory(new Dice(1));
  const [one] = history.overlays;
  const other = history.overlays.find(({ who, creatorId }) => creatorId === one?.creatorId && who !== one.who);
  const [wire] = kindOf(history.entries, 'wire');
  if (one === undefined || other === undefined || wire === undefined) throw new Error('a history has overlays that are sent something');
  const gap = { at: 50_000, who: one.who, kind: 'gap' as const, from: 1001, to: 2000 };
  const sent = { ...wire, who: other.who, at: 50_000 + laterMs, seq: 2000 + newer, from: 2000 + newer };
  return { ...history, entries: [...history.entries, gap, sent] };
}

describe(unfoundedGaps.name, () => {
  it('finds none where feeds had to let go of what was missed', () => {
    expect(unfoundedGaps(aHistory(new Dice(1)))).toEqual([]);
    expect(unfoundedGaps(withGap(256))).toEqual([]);
  });

  it('finds one where a feed still had some of it, or had it for long after', () => {
    expect(unfoundedGaps(withGap(255))).toEqual([expect.stringContaining('from 1001 to 2000, and 255 events were newer')]);
    expect(unfoundedGaps(withGap(1000, 60_000))).toHaveLength(1);
  });
});
