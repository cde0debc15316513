import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dice } from '../../chaos/dice.js';
import { aHistory } from './a-history.js';
import { anomaliesIn } from './checker.js';
import { ANOMALIES, kindOf } from './history.js';
import { MUTATIONS } from './mutations.js';

const seeds = fc.nat({ max: 2 ** 31 });

describe(anomaliesIn.name, () => {
  it('finds nothing in a history that is as it should be', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(anomaliesIn(aHistory(new Dice(seed)))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it.each(MUTATIONS)('says %s when %s', (kind, _, mutate) => {
    let tried = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const dice = new Dice(seed);
        const spoilt = mutate(aHistory(dice), dice.fork(1));
        if (spoilt === undefined) return;
        tried += 1;
        expect(anomaliesIn(spoilt).map((anomaly) => anomaly.kind)).toContain(kind);
      }),
      { numRuns: 20 },
    );
    expect(tried).toBeGreaterThan(10);
  });

  it('takes a card for what it stands for, and nobody to task for what came after they left', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const history = aHistory(new Dice(seed));
        const stands = new Set(history.truth.standing.map(({ id }) => id));
        const alert = kindOf(history.entries, 'shown').find(({ id }) => stands.has(id) && !history.truth.taken.has(id));
        if (alert?.tip === undefined) throw new Error('nothing is shown');
        const card = { at: alert.at, who: alert.who, kind: 'card' as const, tips: 1, money: alert.tip.amount };
        expect(anomaliesIn({ ...history, entries: history.entries.map((entry) => (entry === alert ? card : entry)) })).toEqual([]);
        const overlays = history.overlays.map((overlay) => ({ ...overlay, answersUntil: 8500 }));
        const left = history.entries.filter(({ at, kind }) => at < 9000 || kind === 'close');
        const early = { ...history, overlays, entries: left };
        expect(anomaliesIn(early).filter(({ kind }) => kind === 'lost' || kind === 'silent-gap')).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it('has a mutation for every kind of anomaly', () => {
    expect(new Set(MUTATIONS.map(([kind]) => kind))).toEqual(new Set(ANOMALIES));
  });
});
