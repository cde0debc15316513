import { Logger } from '@nestjs/common';
import type { Lease } from '@droppio/tips';
import { LockTable, ManualClock, MemoryLeaderLock } from '@droppio/tips/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryTipLedger } from '../testing/memory-tip-ledger.js';
import { LeaseKeeper, type Term } from './lease-keeper.js';

Logger.overrideLogger(false);

const TIMES = { ttlMs: 5000, renewEveryMs: 1500, tryEveryMs: 750 };

/** A ledger whose answers about the lease a test can replace. */
class LeaseLedger extends MemoryTipLedger {
  asked = 0;
  answer: (() => Promise<Lease | undefined>) | undefined;

  private readonly frozen = new Map<string, (() => void)[]>();

  override async acquire(...args: Parameters<MemoryTipLedger['acquire']>): Promise<Lease | undefined> {
    this.asked += 1;
    const waiting = this.frozen.get(args[1]);
    if (waiting !== undefined) await new Promise<void>((resolve) => waiting.push(resolve));
    return this.answer?.() ?? super.acquire(...args);
  }

  /** A holder whose questions wait until it is thawed. */
  freeze(holder: string): void {
    this.frozen.set(holder, []);
  }

  thaw(holder: string): void {
    const waiting = this.frozen.get(holder) ?? [];
    this.frozen.delete(holder);
    for (const wake of waiting) wake();
  }

  /** Nothing is heard of it ever again. */
  kill(holder: string): void {
    this.freeze(holder);
  }
}

let clock: ManualClock;
let ledger: LeaseLedger;
let table: LockTable;
let stopping: AbortController;

beforeEach(() => {
  clock = new ManualClock();
  ledger = new LeaseLedger(() => clock.now());
  table = new LockTable();
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

interface Leading {
  readonly terms: Term[];
  readonly done: Promise<void>;
  readonly lock: MemoryLeaderLock;
}

/** One process. Without a lock of its own it knows of leaders by their lease alone. */
function lead(holder: string, { hasLock = false, signal = stopping.signal } = {}): Leading {
  const terms: Term[] = [];
  const work = (term: Term): Promise<void> => {
    terms.push(term);
    return new Promise((resolve) => {
      term.over.addEventListener('abort', () => {
        resolve();
      });
    });
  };
  const lock = new MemoryLeaderLock(table);
  const parts = { ledger, clock, lock: hasLock ? lock : undefined };
  return { terms, lock, done: new LeaseKeeper(1, holder, parts, TIMES).run(work, signal) };
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

  it('ends its term at once when somebody else has the lease', async () => {
    const { terms } = lead('one');
    await settle();
    ledger.answer = () => Promise.resolve(undefined);
    await pass(1600);
    expect(terms[0]?.over.aborted).toBe(true);
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

  describe('with a lock that falls with its process', () => {
    const isLeading = ({ terms }: Leading): boolean => terms.at(-1)?.over.aborted === false;

    it('takes over within moments when the leader’s connection is gone, though its lease is not', async () => {
      const dying = new AbortController();
      const one = lead('one', { hasLock: true, signal: dying.signal });
      await settle();
      const two = lead('two', { hasLock: true });
      await pass(10_000);
      expect([isLeading(one), isLeading(two)]).toEqual([true, false]);
      const fence = one.terms[0]?.fence ?? 0;
      // A process that was killed neither renews nor releases.
      ledger.kill('one');
      await one.lock.close();
      await pass(300);
      expect(isLeading(two)).toBe(true);
      expect(two.terms[0]?.fence).toBe(fence + 1);
    });

    it('leaves the chain to a leader who has the lock, however long', async () => {
      const [one, two] = [lead('one', { hasLock: true }), lead('two', { hasLock: true })];
      await settle();
      await pass(60_000);
      expect([one.terms.length, two.terms.length]).toEqual([1, 0]);
    });

    it('changes hands once at most when a living leader loses the lock, and is quiet after', async () => {
      const [one, two] = [lead('one', { hasLock: true }), lead('two', { hasLock: true })];
      await settle();
      await pass(1000);
      one.lock.lose();
      // The standby is quicker.
      await two.lock.take(1);
      await pass(60_000);
      expect([one.terms.length, two.terms.length]).toEqual([1, 1]);
      expect([isLeading(one), isLeading(two)]).toEqual([false, true]);
      expect(table.holders.get(1)).toBe(two.lock);
    });

    it('keeps its term when it is itself the quicker to take the lost lock again', async () => {
      const [one, two] = [lead('one', { hasLock: true }), lead('two', { hasLock: true })];
      await settle();
      await pass(1000);
      one.lock.lose();
      await one.lock.take(1);
      await pass(60_000);
      expect([one.terms.length, two.terms.length]).toEqual([1, 0]);
    });

    it('does not lose the chain again to a paused leader that wakes and lets the lock fall', async () => {
      const one = lead('one', { hasLock: true });
      await settle();
      const two = lead('two', { hasLock: true });
      // Paused: the connection stays, the lease runs out.
      ledger.freeze('one');
      await pass(6500);
      expect(isLeading(two)).toBe(true);
      ledger.thaw('one');
      await pass(30_000);
      expect([one.terms.length, two.terms.length]).toEqual([1, 1]);
      expect(table.holders.get(1)).toBe(two.lock);
    });

    it('waits for the lease where the other side has no lock, and takes the chain once where only it has one', async () => {
      const old = lead('old');
      await settle();
      const next = lead('next', { hasLock: true });
      await pass(60_000);
      expect([old.terms.length, next.terms.length]).toEqual([1, 1]);
      expect(isLeading(next)).toBe(true);
    });

    it('takes the lock as soon as whoever led before lets it fall, so that the next standby is quick, too', async () => {
      const dead = new MemoryLeaderLock(table);
      await dead.take(1);
      const one = lead('one', { hasLock: true });
      await settle();
      await pass(1000);
      expect(isLeading(one)).toBe(true);
      await dead.close();
      await pass(300);
      expect(table.holders.get(1)).toBe(one.lock);
    });

    it('hands over within moments when it is stopped', async () => {
      const stop = new AbortController();
      const one = lead('one', { hasLock: true, signal: stop.signal });
      await settle();
      const two = lead('two', { hasLock: true });
      await pass(2000);
      stop.abort();
      await one.done;
      await pass(300);
      expect(isLeading(two)).toBe(true);
    });

    it('holds no lock while it does not lead', async () => {
      const stop = new AbortController();
      const one = lead('one', { hasLock: true, signal: stop.signal });
      await settle();
      await pass(1000);
      stop.abort();
      await one.done;
      expect(table.holders.size).toBe(0);
    });
  });
});
