import { Logger } from '@nestjs/common';
import { StorageUnavailable, type Hex, type RegisteredWallet } from '@droppio/tips';
import { ManualClock, MemoryWalletRegister, randomHex } from '@droppio/tips/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WatchList } from './watch-list.js';
import { WatchMetrics } from './watch-metrics.js';

/** A register that can fail, and that counts how it is asked. */
class FaultyRegister extends MemoryWalletRegister {
  failures = 0;
  readonly asked: string[] = [];

  override async wallets(page: { readonly after?: Hex; readonly limit: number }): Promise<readonly RegisteredWallet[]> {
    this.ask('all');
    return super.wallets(page);
  }

  override async walletsSince(ageMs: number, limit: number): Promise<readonly RegisteredWallet[]> {
    this.ask('new');
    return super.walletsSince(ageMs, limit);
  }

  private ask(what: string): void {
    this.asked.push(what);
    if (this.failures === 0) return;
    this.failures -= 1;
    throw new StorageUnavailable('scripted failure');
  }
}

let clock: ManualClock;
let register: FaultyRegister;
let list: WatchList;

beforeAll(() => {
  Logger.overrideLogger(false);
});
beforeEach(() => {
  clock = new ManualClock();
  register = new FaultyRegister(() => clock.now());
  list = new WatchList(register, clock, WatchMetrics.unregistered());
});

const wallet = (ageMs = 3_600_000): Hex => {
  const address = randomHex(20);
  register.register(address, clock.now() - ageMs);
  return address;
};
const after = async (ms: number): Promise<void> => {
  clock.advance(ms);
  await list.refresh();
};

describe(WatchList.name, () => {
  it('knows every wallet after its first load, however many pages they fill', async () => {
    const all = Array.from({ length: 12_000 }, () => wallet());
    await list.refresh();
    expect(list.size).toBe(12_000);
    expect(all.every((address) => list.has(address))).toBe(true);
    expect(list.has(randomHex(20))).toBe(false);
    expect(register.asked).toEqual(['all', 'all', 'all']);
  });

  it('hears of a new wallet with the next look, tells of it once, and reads no more than what is new', async () => {
    wallet();
    await list.refresh();
    const told: Hex[] = [];
    list.onAdded((added) => told.push(...added.map(({ address }) => address)));
    const fresh = wallet(0);
    await after(1000);
    await after(1000);
    expect(told).toEqual([fresh]);
    expect(list.has(fresh)).toBe(true);
    expect(register.asked).toEqual(['all', 'new', 'new']);
  });

  it('knows a wallet in the very moment in which it tells of it', async () => {
    await list.refresh();
    const known: boolean[] = [];
    list.onAdded((added) => known.push(...added.map(({ address }) => list.has(address))));
    wallet(0);
    await after(1000);
    expect(known).toEqual([true]);
  });

  it('hears of a wallet whose registration took long to commit', async () => {
    await list.refresh();
    await after(1000);
    const late = wallet(40_000);
    await after(1000);
    expect(list.has(late)).toBe(true);
  });

  it('looks back as far as it was blind', async () => {
    await list.refresh();
    const missed = wallet(0);
    clock.advance(300_000);
    register.failures = 1;
    await expect(list.refresh()).rejects.toThrow('scripted');
    await after(1000);
    expect(list.has(missed)).toBe(true);
    expect(register.asked).toEqual(['all', 'new', 'new']);
  });

  it('reads everything again after ten minutes: what is gone goes, what was missed is told of', async () => {
    const [stays, goes] = [wallet(), wallet()];
    await list.refresh();
    const told: Hex[] = [];
    list.onAdded((added) => told.push(...added.map(({ address }) => address)));
    register.remove(goes);
    const old = wallet();
    await after(1000);
    expect([list.has(stays), list.has(goes), list.has(old)]).toEqual([true, true, false]);
    await after(600_000);
    expect([list.has(stays), list.has(goes), list.has(old)]).toEqual([true, false, true]);
    expect(told).toEqual([old]);
  });

  it('keeps its list while the register cannot be read, and while a reading of everything fails half way', async () => {
    const all = Array.from({ length: 6000 }, () => wallet());
    await list.refresh();
    register.failures = 1;
    clock.advance(700_000);
    await expect(list.refresh()).rejects.toThrow(StorageUnavailable);
    expect(list.size).toBe(6000);
    expect(all.every((address) => list.has(address))).toBe(true);
  });

  it('misses nobody when more register at once than one look takes', async () => {
    await list.refresh();
    const crowd = Array.from({ length: 11_000 }, () => wallet(0));
    await after(1000);
    expect(crowd.every((address) => list.has(address))).toBe(true);
  });

  it('lets nobody past before its first load, and everybody after it', async () => {
    let isLoaded = false;
    const waiting = list.loaded().then(() => (isLoaded = true));
    register.failures = 1;
    await expect(list.refresh()).rejects.toThrow(StorageUnavailable);
    expect(isLoaded).toBe(false);
    await list.refresh();
    await waiting;
    await expect(list.loaded()).resolves.toBeUndefined();
  });

  it('goes on looking after failures with growing pauses, until it is stopped', async () => {
    const stopping = new AbortController();
    register.failures = 3;
    const keeping = list.keep(stopping.signal);
    for (let n = 0; n < 400 && list.size === 0; n += 1) {
      if (n === 100) wallet(0);
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(list.size).toBe(1);
    stopping.abort();
    await keeping;
    const asked = register.asked.length;
    clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(register.asked).toHaveLength(asked);
  });

  it('never denies a wallet that it knows, however it came to know it', async () => {
    const known = [wallet(), wallet()];
    await list.refresh();
    known.push(wallet(0));
    await after(1000);
    expect(known.map((address) => list.maybe(`0x${'0'.repeat(24)}${address.slice(2)}`))).toEqual([true, true, true]);
    await after(700_000);
    expect(known.map((address) => list.maybe(address))).toEqual([true, true, true]);
    expect(Array.from({ length: 50 }, () => list.maybe(randomHex(20))).filter(Boolean).length).toBeLessThan(3);
  });

  it('finds those registered since a moment', async () => {
    const [, recent] = [wallet(10_000), wallet(1000)];
    await list.refresh();
    expect(list.since(clock.now() - 5000)).toEqual([{ address: recent, registeredAtMs: clock.now() - 1000 }]);
  });
});
