import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Renewal, type RenewalOptions } from './renewal.js';
import { MemoryTab } from './testing/page-locks.js';
import { settle } from './testing/scripted-transport.js';

const MINUTE = 60_000;

function aPage(options: Partial<RenewalOptions> = {}, { clock = new ManualClock(), memory = new MemoryTab() } = {}) {
  const life = new AbortController();
  onTestFinished(() => {
    life.abort();
  });
  const page = { reloads: 0, isIdle: true, newest: 'v1' as string | undefined, asked: 0, awaySince: undefined as number | undefined };
  const renewal = new Renewal({
    clock,
    random: () => 0.5,
    isIdle: () => page.isIdle,
    newest: () => {
      page.asked += 1;
      return Promise.resolve(page.newest);
    },
    own: 'v1',
    awaySince: () => page.awaySince,
    reload: () => {
      page.reloads += 1;
    },
    memory,
    ...options,
  });
  void renewal.run(life.signal);
  const after = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= MINUTE) {
      clock.advance(Math.min(left, MINUTE));
      await settle();
    }
  };
  return { page, renewal, after, clock, memory, life };
}

describe(Renewal.name, () => {
  it('loads another version within eleven minutes, and not the same one', async () => {
    const { page, after } = aPage();
    await after(60 * MINUTE);
    expect([page.reloads, page.asked]).toEqual([0, 5]);
    page.newest = 'v2';
    await after(12 * MINUTE);
    expect(page.reloads).toBe(1);
  });

  it('waits for a moment in which nothing is on the screen', async () => {
    const { page, after } = aPage();
    page.newest = 'v2';
    page.isIdle = false;
    await after(60 * MINUTE);
    expect([page.reloads, page.asked]).toEqual([0, 0]);
    page.isIdle = true;
    await after(12 * MINUTE);
    expect(page.reloads).toBe(1);
  });

  it('does not do it when something came while it asked', async () => {
    const { page, after } = aPage({
      newest: () => {
        page.isIdle = false;
        return Promise.resolve('v2');
      },
    });
    await after(12 * MINUTE);
    expect(page.reloads).toBe(0);
  });

  it('never makes a loop of it, over reloads too, when a cache keeps on sending the old page', async () => {
    const first = aPage();
    let pages = 1;
    let current = first;
    for (let hour = 0; hour < 24 * 60; hour += 1) {
      current.page.newest = 'v2';
      await current.after(MINUTE);
      if (current.page.reloads === 0) continue;
      current.life.abort();
      current = aPage({}, first);
      pages += 1;
    }
    expect(pages).toBeGreaterThan(20);
    expect(pages).toBeLessThanOrEqual(49);
  });

  it('begins anew every twelve hours, but only while the server can send the page', async () => {
    const { page, after } = aPage();
    page.newest = undefined;
    await after(13 * 60 * MINUTE);
    expect(page.reloads).toBe(0);
    page.newest = 'v1';
    await after(12 * MINUTE);
    expect(page.reloads).toBe(1);
  });

  it('begins anew when there has been no link for a quarter of an hour although the server answers', async () => {
    const { page, after, clock } = aPage();
    page.awaySince = clock.now();
    await after(14 * MINUTE);
    expect(page.reloads).toBe(0);
    await after(12 * MINUTE);
    expect(page.reloads).toBe(1);
  });

  it('does it soon when the creator asks, once, at most every minute', async () => {
    const { page, renewal, clock, memory } = aPage();
    memory.setItem('droppio:reloaded', String(clock.now() - 40_000));
    void renewal.ask();
    void renewal.ask();
    const reloads: number[] = [];
    for (let second = 0; second < 60; second += 1) {
      clock.advance(1000);
      await settle();
      if (page.reloads > reloads.length) reloads.push(second);
    }
    expect(reloads).toHaveLength(1);
    expect(reloads[0]).toBeGreaterThanOrEqual(19);
  });

  it('asks a server that has no page to send ever more seldom, and still does it', async () => {
    const { page, renewal, clock } = aPage();
    page.newest = undefined;
    void renewal.ask();
    const after = async (seconds: number): Promise<number> => {
      const before = page.asked;
      for (let second = 0; second < seconds; second += 1) {
        clock.advance(1000);
        await settle();
      }
      return page.asked - before;
    };
    expect(await after(60)).toBeLessThanOrEqual(6);
    await after(1140);
    // Two of the looks that it takes by itself are in this.
    expect(await after(1200)).toBeLessThanOrEqual(12);
    page.newest = 'v1';
    await after(310);
    expect(page.reloads).toBe(1);
  });

  it('never does it without a memory that lasts', async () => {
    const forgetful = new MemoryTab();
    forgetful.setItem = () => undefined;
    for (const options of [{ memory: undefined }, { memory: forgetful }]) {
      const { page, after, renewal } = aPage(options);
      page.newest = 'v2';
      void renewal.ask();
      await after(60 * MINUTE);
      expect(page.reloads).toBe(0);
    }
  });

  it('is not kept from it by what a clock that was wrong wrote down', async () => {
    const { page, after, clock, memory } = aPage();
    memory.setItem('droppio:reloaded', String(clock.now() + 86_400_000));
    page.newest = 'v2';
    await after(12 * MINUTE);
    expect(page.reloads).toBe(1);
  });
});
