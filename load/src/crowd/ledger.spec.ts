import { describe, expect, it } from 'vitest';
import { Ledger, Told } from './ledger.js';
import { exactNow, tipMessage } from './orders.js';

function told(room = 3): { told: Told; ledger: Ledger } {
  const ledger = new Ledger();
  return { told: new Told(room, ledger), ledger };
}

describe(Told.name, () => {
  it('finds nothing wrong with each tip once and in order', () => {
    const one = told();
    for (const number of [1, 2, 3]) {
      one.told.sequence(number);
      one.told.tip(tipMessage(exactNow(), 3, number));
    }
    expect(one.told).toMatchObject({ doubled: 0, leaked: 0, holes: 0, delivered: 3 });
    expect(one.told.missing(3)).toBe(0);
  });

  it('misses a tip that did not come', () => {
    const one = told();
    one.told.tip(tipMessage(exactNow(), 3, 1));
    one.told.tip(tipMessage(exactNow(), 3, 3));
    expect(one.told.missing(3)).toBe(1);
  });

  it('sees a hole in the seqs, and none where a frame stands for several', () => {
    const one = told();
    one.told.sequence(1);
    one.told.sequence(4, 2);
    expect(one.told.holes).toBe(0);
    one.told.sequence(6);
    expect(one.told.holes).toBe(1);
  });

  it('sees what comes twice, by seq and by what it says', () => {
    const one = told();
    one.told.sequence(1);
    one.told.sequence(1);
    one.told.tip(tipMessage(exactNow(), 3, 1));
    one.told.tip(tipMessage(exactNow(), 3, 1));
    expect(one.told.doubled).toBe(2);
    const { deliveries, latencies } = one.ledger.take();
    expect(deliveries).toBe(1);
    expect(latencies.reduce((sum, [, count]) => sum + count, 0)).toBe(1);
  });

  it('sees what is another room’s', () => {
    const one = told();
    one.told.tip(tipMessage(exactNow(), 4, 1));
    expect(one.told).toMatchObject({ leaked: 1, delivered: 0 });
    expect(one.ledger.take()).toMatchObject({ deliveries: 0, latencies: [] });
  });

  it('measures from when a tip was due, and not what was due before the overlay was', () => {
    const one = told();
    one.told.since = exactNow() - 2000;
    one.told.tip(tipMessage(exactNow() - 1000, 3, 1));
    one.told.tip(tipMessage(exactNow() - 9000, 3, 2));
    const { latencies, deliveries } = one.ledger.take();
    expect(deliveries).toBe(2);
    expect(latencies).toHaveLength(1);
    expect(latencies[0]?.[0]).toBeGreaterThanOrEqual(10_000);
    expect(latencies[0]?.[0]).toBeLessThan(30_000);
  });
});
