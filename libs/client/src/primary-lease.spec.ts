import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LockManagerLike } from './instance.js';
import { PrimaryLease, type PageChannel } from './primary-lease.js';
import { PageLocks } from './testing/page-locks.js';
import { settle } from './testing/scripted-transport.js';

const TOKEN = 'dro_ov_3f9a';
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 8; turn += 1) await settle();
};

/** What a page says reaches the others a turn later. */
function anAir(): (isGone: () => boolean) => PageChannel {
  const ears = new Map<PageChannel, ((event: { readonly data: unknown }) => void)[]>();
  return (isGone) => {
    const channel: PageChannel = {
      postMessage: (data) => {
        for (const [other, hear] of ears) if (other !== channel) for (const ear of hear) setImmediate(ear, { data });
      },
      addEventListener: (_type, listener) =>
        ears.get(channel)?.push((event) => {
          if (!isGone()) listener(event);
        }),
    };
    ears.set(channel, []);
    return channel;
  };
}

function pagesOf(locks: PageLocks, count: number) {
  const openChannel = anAir();
  return Array.from({ length: count }, (_, slot) => {
    const page = locks.page();
    return { page, lease: new PrimaryLease(TOKEN, slot, { locks: page, openChannel: () => openChannel(() => page.isGone) }) };
  });
}

describe(PrimaryLease.name, () => {
  it('makes one of the pages on the air the primary, and another one when that page goes', async () => {
    const [first, second] = pagesOf(new PageLocks(), 2);
    for (const page of [first, second]) page?.lease.setOnAir(true);
    await turns();
    expect([first?.lease.isPrimary, second?.lease.isPrimary]).toEqual([true, false]);
    first?.page.end();
    await turns();
    expect(second?.lease.isPrimary).toBe(true);
  });

  it('hands over when the primary goes off the air, and keeps the lease where nobody else is on it', async () => {
    const [first, second] = pagesOf(new PageLocks(), 2);
    first?.lease.setOnAir(true);
    second?.lease.setOnAir(false);
    await turns();
    first?.lease.setOnAir(false);
    await turns();
    expect([first?.lease.isPrimary, second?.lease.isPrimary].filter(Boolean)).toHaveLength(1);
    second?.lease.setOnAir(true);
    await turns();
    expect([first?.lease.isPrimary, second?.lease.isPrimary]).toEqual([false, true]);
    first?.lease.setOnAir(true);
    await turns();
    expect([first?.lease.isPrimary, second?.lease.isPrimary]).toEqual([false, true]);
  });

  it('has a stand-in give way to a page on the air that came to wait behind it', async () => {
    const [first, second, third] = pagesOf(new PageLocks(), 3);
    for (const page of [first, second, third]) page?.lease.setOnAir(true);
    await turns();
    second?.lease.setOnAir(false);
    await turns();
    first?.lease.setOnAir(false);
    await turns();
    first?.lease.setOnAir(true);
    await turns();
    third?.page.end();
    await turns();
    expect([first?.lease.isPrimary, second?.lease.isPrimary]).toEqual([true, false]);
  });

  it('leaves it to slot 0 where locks are missing or forbidden', async () => {
    const forbidden: LockManagerLike = { request: () => Promise.reject(new Error('SecurityError')) };
    const leases = [undefined, forbidden].flatMap((locks) => [0, 1].map((slot) => new PrimaryLease(TOKEN, slot, { locks })));
    for (const lease of leases) lease.setOnAir(true);
    await turns();
    expect(leases.map((lease) => lease.isPrimary)).toEqual([true, false, true, false]);
  });

  it('always comes to rest with exactly one primary, on the air if any page is, whatever the pages do', async () => {
    const step = fc.record({ page: fc.nat(2), does: fc.constantFrom('on', 'off', 'on', 'off', 'end') });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const pages = pagesOf(new PageLocks(), 3).map((page) => ({ ...page, isOn: true, isGone: false }));
        for (const { lease } of pages) lease.setOnAir(true);
        for (const { page: at, does } of steps) {
          const page = pages[at];
          if (page === undefined || page.isGone) continue;
          if (does === 'end') {
            page.isGone = true;
            page.page.end();
          } else {
            page.isOn = does === 'on';
            page.lease.setOnAir(page.isOn);
          }
          if (steps.length % 2 === 0) await turns();
        }
        await turns();
        const living = pages.filter(({ isGone }) => !isGone);
        const primaries = living.filter(({ lease }) => lease.isPrimary);
        expect(primaries).toHaveLength(Math.min(1, living.length));
        if (living.some(({ isOn }) => isOn)) expect(primaries[0]?.isOn).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
