import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@droppio/broker/testing';
import { EventRelay } from '@droppio/tips';
import { aTipEvent, ManualClock } from '@droppio/tips/testing';
import { ScreeningSweep } from './screening-sweep.js';
import { ScriptLedger } from './testing/script-ledger.js';

Logger.overrideLogger(false);

class Drained extends EventRelay {
  readonly creators: string[] = [];
  override drain(creatorId: string): Promise<void> {
    this.creators.push(creatorId);
    return Promise.resolve();
  }
}

describe(ScreeningSweep.name, () => {
  let clock: ManualClock;
  let ledger: ScriptLedger;
  let relay: Drained;
  let sweep: ScreeningSweep;

  beforeEach(() => {
    clock = new ManualClock();
    ledger = new ScriptLedger(clock);
    relay = new Drained();
    sweep = new ScreeningSweep(ledger, relay, clock);
    for (const creator of ['told', 'hidden']) ledger.addCreator(creator);
    ledger.waiting.set('told', [aTipEvent({ seq: 1 })]);
    ledger.waiting.set('hidden', []);
  });

  it('has waiting tips judged, and publishes where there is something to', async () => {
    await sweep.sweep();
    expect(ledger.waiting.size).toBe(0);
    expect(relay.creators).toEqual(['told']);
  });

  it('goes on with the others when one fails', async () => {
    ledger.waiting.set('nobody', [aTipEvent()]);
    ledger.waiting.set('other', [aTipEvent({ seq: 1 })]);
    ledger.addCreator('other');
    await sweep.sweep();
    expect(relay.creators).toEqual(['told', 'other']);
  });

  it('sweeps every second by itself, over faults, until it is closed', async () => {
    ledger.away = true;
    sweep.onApplicationBootstrap();
    const pass = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 500) {
        clock.advance(500);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await pass(3000);
    ledger.away = false;
    await pass(1500);
    await eventually(() => {
      expect(relay.creators).toEqual(['told']);
    });
    const closed = sweep.beforeApplicationShutdown();
    clock.advance(5000);
    await closed;
    const { length } = ledger.calls;
    await pass(5000);
    expect(ledger.calls).toHaveLength(length);
  });
});
