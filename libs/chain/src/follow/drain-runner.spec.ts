import { Logger } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { EventRelay } from '@droppio/tips';
import { unregisteredMetrics } from '../testing/index.js';
import { DrainRunner } from './drain-runner.js';

Logger.overrideLogger(false);

class Notes extends EventRelay {
  readonly drained: string[] = [];
  override drain(creatorId: string): Promise<void> {
    this.drained.push(creatorId);
    return Promise.resolve();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe(DrainRunner.name, () => {
  it('publishes at once what is told, and what is screened once it is', async () => {
    const relay = new Notes();
    const screening: (() => void)[] = [];
    const ledger = {
      screen: (id: string) =>
        new Promise<boolean>((done) => {
          screening.push(() => {
            done(id !== 'hidden');
          });
        }),
    };
    const runner = new DrainRunner(1, relay, ledger, unregisteredMetrics().follower);
    runner.publish({ creators: ['told'], unscreened: ['shown', 'hidden'] });
    await settled();
    expect(relay.drained).toEqual(['told']);
    expect(runner.isIdle).toBe(false);
    for (const done of screening) done();
    await settled();
    expect(relay.drained).toEqual(['told', 'shown']);
    expect(runner.isIdle).toBe(true);
  });

  it('lets no flood of screenings stand before what is told, nor take the database for itself', async () => {
    const relay = new Notes();
    let under = 0;
    let most = 0;
    const ledger = {
      screen: async () => {
        most = Math.max(most, (under += 1));
        await settled();
        under -= 1;
        return true;
      },
    };
    const runner = new DrainRunner(1, relay, ledger, unregisteredMetrics().follower);
    const many = Array.from({ length: 300 }, (_, index) => `screened-${String(index)}`);
    runner.publish({ creators: [], unscreened: many });
    runner.publish({ creators: ['told'] });
    await settled();
    expect(relay.drained[0]).toBe('told');
    while (!runner.isIdle) await settled();
    expect(new Set(relay.drained).size).toBe(301);
    expect(most).toBeLessThanOrEqual(4);
  });

  it('goes on when a screening fails', async () => {
    const relay = new Notes();
    const ledger = { screen: (id: string) => (id === 'bad' ? Promise.reject(new Error('on purpose')) : Promise.resolve(true)) };
    const runner = new DrainRunner(1, relay, ledger, unregisteredMetrics().follower);
    runner.publish({ creators: [], unscreened: ['bad', 'good'] });
    await settled();
    await settled();
    expect(relay.drained).toEqual(['good']);
  });
});
