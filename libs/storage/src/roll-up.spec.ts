import { StorageUnavailable } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import type { Sql } from './database.js';
import { RollUp } from './roll-up.js';

/** A database whose statements end when the test says so. */
function aGate() {
  const open: { answer: (folded: number) => void; fail: () => void }[] = [];
  const counts = { begun: 0, now: 0, most: 0 };
  const sql: Sql = {
    rows: (shape) => {
      counts.begun += 1;
      counts.now += 1;
      counts.most = Math.max(counts.most, counts.now);
      return new Promise((resolve, reject) => {
        const end = (how: () => void) => () => {
          counts.now -= 1;
          how();
        };
        open.push({
          answer: (folded) => {
            end(() => {
              resolve([shape.parse({ folded })]);
            })();
          },
          fail: end(() => {
            reject(new StorageUnavailable('away'));
          }),
        });
      });
    },
    run: () => Promise.resolve(),
  };
  /** Ends the statement that is on its way. */
  const next = async (how: number | 'fails'): Promise<void> => {
    await expect.poll(() => open.length).toBeGreaterThan(0);
    const one = open.shift();
    if (how === 'fails') one?.fail();
    else one?.answer(how);
  };
  return { sql, counts, next };
}

describe(RollUp.name, () => {
  it('goes one at a time, and once more for all who asked meanwhile', async () => {
    const { sql, counts, next } = aGate();
    const sums = new RollUp(sql);
    for (let n = 0; n < 50; n += 1) sums.soon();
    for (let n = 0; n < 50; n += 1) sums.soon();
    const idle = sums.idle();
    await next(3);
    await expect.poll(() => counts.begun).toBe(2);
    await next(0);
    await idle;
    expect(counts).toEqual({ begun: 2, now: 0, most: 1 });
  });

  it('takes a bounded part in one go, and the rest when it is asked again', async () => {
    const { sql, counts, next } = aGate();
    const sums = new RollUp(sql);
    sums.soon();
    for (let n = 0; n < 5; n += 1) await next(2000);
    await sums.idle();
    expect(counts.begun).toBe(5);
    sums.soon();
    await next(1);
    await sums.idle();
    expect(counts.begun).toBe(6);
  });

  it('outlives a failure, and tries again when it is asked again', async () => {
    const { sql, counts, next } = aGate();
    const sums = new RollUp(sql);
    sums.soon();
    await next('fails');
    await sums.idle();
    sums.soon();
    await next(0);
    await sums.idle();
    expect(counts.begun).toBe(2);
  });

  it('ends with the statement that is on its way, and begins nothing after', async () => {
    const { sql, counts, next } = aGate();
    const sums = new RollUp(sql);
    sums.soon();
    sums.soon();
    const closed = sums.close();
    await next(2000);
    await closed;
    sums.soon();
    await sums.idle();
    expect(counts).toEqual({ begun: 1, now: 0, most: 1 });
  });
});
