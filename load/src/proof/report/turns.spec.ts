import { describe, expect, it } from 'vitest';
import { Dice } from '../../chaos/dice.js';
import { aHistory } from '../checker/a-history.js';
import type { History } from '../checker/history.js';
import type { Entry } from '../journals/entry.js';
import { slowPages, turnsOf } from './turns.js';

const who = 'page-0';

/** One page that hears of everything at once and shows it one by one. */
function line(alerts: number, eachMs: number): Entry[] {
  const ids = Array.from({ length: alerts }, (_, n) => `tip-${String(n)}`);
  const event = { epoch: 'e', seq: 1, from: 1, type: 'tip', state: 'confirmed', tips: 0 };
  return [
    ...ids.map((id): Entry => ({ at: 0, who, kind: 'wire', id, ...event })),
    ...ids.flatMap((id, place): Entry[] => [
      { at: place * eachMs + 1, who, kind: 'shown', id },
      { at: (place + 1) * eachMs, who, kind: 'gone' },
    ]),
  ];
}

const historyOf = (entries: readonly Entry[]): History => ({
  ...aHistory(new Dice(1)),
  overlays: [{ who, creatorId: 'creator-0', kind: 'page' }],
  entries,
});

describe(turnsOf.name, () => {
  it('counts how long an alert has the page to itself, not how long it waits for others', () => {
    expect(turnsOf(historyOf(line(20, 200)))).toEqual({ count: 20, p50: 200, p90: 200 });
  });

  it('leaves out what was on the screen when its page was ended, and what goes on from there', () => {
    const [first, second, ...others] = line(2, 200);
    const again: Entry = { at: 5000, who, kind: 'shown', id: 'tip-0', resumed: true };
    const cut = [first, second, { at: 1, who, kind: 'shown' as const, id: 'tip-0' }, again, { at: 5100, who, kind: 'gone' as const }];
    const late = others
      .filter(({ kind }) => kind !== 'wire')
      .slice(2)
      .map((entry) => ({ ...entry, at: entry.at + 5000 }));
    expect(turnsOf(historyOf([...cut, ...late].filter((entry) => entry !== undefined)))).toMatchObject({ count: 1, p50: 300 });
  });
});

describe(slowPages.name, () => {
  it('says when a full line takes longer than recovery may, and when nothing was shown to its end', () => {
    expect(slowPages(historyOf(line(20, 200)))).toEqual([]);
    expect(slowPages(historyOf(line(20, 3000)))).toEqual([expect.stringContaining('3000 ms')]);
    expect(slowPages(historyOf(line(20, 200).filter(({ kind }) => kind !== 'gone')))).toEqual([
      expect.stringContaining('0, and at least 1'),
    ]);
  });
});
