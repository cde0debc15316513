import { Logger } from '@nestjs/common';
import type { Lease } from '@droppio/tips';
import { ManualClock } from '@droppio/tips/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryTipLedger } from '../testing/memory-tip-ledger.js';
import { LeaseKeeper, type Term } from './lease-keeper.js';

Logger.overrideLogger(false);

const TIMES = { ttlMs: 5000, renewEveryMs: 1500, tryEveryMs: 750 };

/** A ledger whose answers about the lease a test can replace. */
class LeaseLedger extends MemoryTipLedger {
  asked = 0;
  answer: (() => Promise<Lease | undefined>) | undefined;

  override acquire(...args: Parameters<MemoryTipLedger['acquire']>): Promise<Lease | undefined> {
    this.asked += 1;
    return this.answer?.() ?? super.acquire(...args);
  }
}

let clock: ManualClock;
let ledger: LeaseLedger;
let stopping: AbortController;

beforeEach(() => {
  clock = new ManualClock();
  ledger = new LeaseLedger(() => clock.now());
  stopping = new AbortController();
});

/** Lets everything run that needs no more time. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};
const pass = async (ms: number): Promise<void> => {
  for (let at = 0; at < ms; at += 50) {
    clock.advance(50);
    await settle();
  }
};

function lead(holder: string): { terms: Term[]; done: Promise<void> } {
  const terms: Term[] = [];
  const work = (term: Term): Promise<void> => {
    terms.push(term);
    return new Promise((resolve) => {
      term.over.addEventListener('abort', () => {
        resolve();
      });
    });
  };
  return { terms, done: new LeaseKeeper(1, holder, ledger, clock, TIMES).run(work, stopping.signal) };
}

describe(LeaseKeeper.name, () => {
  it('keeps its term as long as the lease can be renewed', async () => {
    const { terms } = lead('one');
    await settle();
    await pass(60_000);
    expect(terms).toHaveLength(1);
    expect(terms[0]?.over.aborted).toBe(false);
    expect(ledger.asked).toBeGreaterThanOrEqual(40);
  });

  it('lets only one lead at a time', async () => {
    const [one, two] = [lead('one'), lead('two')];
    await settle();
    await pass(20_000);
    expect([one.terms.length, two.terms.length]).toEqual([1, 0]);
  });

  it.each<[string, () => Promise<Lease | undefined>]>([
    ['fails', () => Promise.reject(new Error('no database'))],
    ['hangs', () => new Promise(() => undefined)],
    ['says that somebody else has it', () => Promise.resolve(undefined)],
  ])('ends its term when the lease has run out because the ledger %s, and not before', async (_, answer) => {
    const { terms } = lead('one');
    await settle();
    await pass(1000);
    ledger.answer = answer;
    await pass(3500);
    expect(terms[0]?.over.aborted).toBe(false);
    await pass(2200);
    expect(terms[0]?.over.aborted).toBe(true);
  });

  it('survives a failure that passes before the lease runs out', async () => {
    const { terms } = lead('one');
    await settle();
    ledger.answer = () => Promise.reject(new Error('a moment'));
    await pass(3000);
    ledger.answer = undefined;
    await pass(20_000);
    expect(terms).toHaveLength(1);
    expect(terms[0]?.over.aborted).toBe(false);
  });

  it('ends its term at once when the fence has moved: somebody led in between', async () => {
    const { terms } = lead('one');
    await settle();
    ledger.answer = () => Promise.resolve({ fence: 99, expiresInMs: 5000 });
    await pass(1600);
    expect(terms[0]?.over.aborted).toBe(true);
  });

  it('ends although it was told to stop while it was asking for the lease', async () => {
    let give: (lease: Lease) => void = () => undefined;
    ledger.answer = () => new Promise((resolve) => (give = resolve));
    const { done } = lead('one');
    await settle();
    stopping.abort();
    give({ fence: 1, expiresInMs: 5000 });
    await expect(done).resolves.toBeUndefined();
  });

  it('gives the lease back when it is stopped, so that the next need not wait for it to run out', async () => {
    const first = lead('one');
    await settle();
    stopping.abort();
    await first.done;
    stopping = new AbortController();
    const second = lead('two');
    await settle();
    expect(second.terms).toHaveLength(1);
  });
});
