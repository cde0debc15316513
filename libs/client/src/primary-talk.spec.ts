import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { PrimaryLease, type PageChannel } from './primary-lease.js';
import { settle } from './testing/scripted-transport.js';

/** Pages on plain http, where there are no locks: what one says reaches the others in the next turn. */
function aHome() {
  const clock = new ManualClock();
  const ears = new Map<PageChannel, (event: { readonly data: unknown }) => void>();
  const open = (isDead: () => boolean): PageChannel => {
    const channel: PageChannel = {
      postMessage: (data) => {
        for (const [other, hear] of ears) if (other !== channel && !isDead()) setImmediate(hear, { data });
      },
      addEventListener: (_, listener) => ears.set(channel, listener),
    };
    return channel;
  };
  const page = (slot: string | number, random: number) => {
    const life = { isDead: false, changes: 0 };
    const lease = new PrimaryLease('dro_ov_3f9a', slot, {
      clock,
      random: () => random,
      openChannel: () => open(() => life.isDead),
      changed: () => {
        life.changes += 1;
      },
    });
    return { lease, life };
  };
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(50);
      await settle();
      await settle();
    }
  };
  return { page, pass };
}

describe('the primary page where there are no locks', () => {
  it('is the only page, whatever it is called', async () => {
    const { page, pass } = aHome();
    const { lease } = page('left', 0.7);
    lease.setOnAir(true);
    expect(lease.isPrimary).toBe(false);
    await pass(200);
    expect(lease.isPrimary).toBe(true);
  });

  it('is one of those on the air, and the next one when that ends, or dies without a word', async () => {
    const { page, pass } = aHome();
    const pages = [page('left', 0.2), page(1, 0.1), page(2, 0.3)];
    const primaries = (): boolean[] => pages.map(({ lease }) => lease.isPrimary);
    pages.forEach(({ lease }, at) => {
      lease.setOnAir(at !== 1);
    });
    await pass(300);
    expect(primaries()).toEqual([true, false, false]);
    pages[1]?.lease.setOnAir(true);
    await pass(50);
    expect(primaries()).toEqual([false, true, false]);
    pages[1]?.lease.end();
    await pass(50);
    expect(primaries()).toEqual([true, false, false]);
    if (pages[0] !== undefined) pages[0].life.isDead = true;
    await pass(5000);
    expect(pages[2]?.lease.isPrimary).toBe(true);
    expect(pages[2]?.life.changes).toBe(1);
  });

  it('is one of those that nobody sees where there is no other', async () => {
    const { page, pass } = aHome();
    const pages = [page(0, 0.5), page(1, 0.4)];
    for (const { lease } of pages) lease.setOnAir(false);
    await pass(300);
    expect(pages.map(({ lease }) => lease.isPrimary)).toEqual([false, true]);
  });
});
