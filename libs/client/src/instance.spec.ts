import { describe, expect, it, onTestFinished } from 'vitest';
import { claimSlot, instanceKey, tokenFingerprint, type InstanceSurroundings, type LockManagerLike } from './instance.js';
import { MemoryTab, PageLocks } from './testing/page-locks.js';

const TOKEN = 'dro_ov_3f9a';
const quickly = { sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 20)), random: Math.random };

/** With the page's own patience: answers take their time on a busy machine. */
const talking = (): InstanceSurroundings => ({
  ...quickly,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  openChannel: (name) => {
    const channel = new BroadcastChannel(name);
    onTestFinished(() => {
      channel.close();
    });
    return channel;
  },
});

describe(tokenFingerprint.name, () => {
  it('is the same for the same token, differs for others, and does not hold the token', () => {
    expect(tokenFingerprint(TOKEN)).toBe(tokenFingerprint(TOKEN));
    expect(tokenFingerprint(TOKEN)).not.toBe(tokenFingerprint(`${TOKEN}x`));
    expect(tokenFingerprint(TOKEN)).toMatch(/^[0-9a-f]{16}$/);
    expect(instanceKey(TOKEN, 'left: 2')).toBe(`${tokenFingerprint(TOKEN)}:name-left%3A%202`);
  });

  it('has no collisions among many tokens', () => {
    const prints = new Set(Array.from({ length: 50_000 }, (_, i) => tokenFingerprint(`dro_ov_${String(i)}`)));
    expect(prints.size).toBe(50_000);
  });
});

describe(claimSlot.name, () => {
  it('gives each living page of a token a slot of its own, and a freed one to the next page', async () => {
    const locks = new PageLocks();
    const [first, second] = [locks.page(), locks.page()];
    expect(await claimSlot(TOKEN, { ...quickly, locks: first })).toBe(0);
    expect(await claimSlot(TOKEN, { ...quickly, locks: second })).toBe(1);
    first.end();
    expect(await claimSlot(TOKEN, { ...quickly, locks: locks.page() })).toBe(0);
    expect(await claimSlot('dro_ov_other', { ...quickly, locks: locks.page() })).toBe(0);
  });

  it('gives a reloaded page its old slot, although its former self is only just going', async () => {
    const locks = new PageLocks();
    const tab = new MemoryTab();
    const former = locks.page();
    await claimSlot(TOKEN, { ...quickly, locks: former, tab });
    const reloaded = claimSlot(TOKEN, { ...quickly, sleep: () => new Promise(() => undefined), locks: locks.page(), tab });
    setImmediate(() => {
      former.end();
    });
    expect(await reloaded).toBe(0);
  });

  it('takes another slot when the old one stays taken', async () => {
    const locks = new PageLocks();
    const tab = new MemoryTab();
    await claimSlot(TOKEN, { ...quickly, locks: locks.page(), tab });
    expect(await claimSlot(TOKEN, { ...quickly, locks: locks.page(), tab })).toBe(1);
  });

  it('comes to the same by talking where there are no locks, even when several ask at once', async () => {
    const slots = await Promise.all([1, 2, 3].map(() => claimSlot(TOKEN, talking())));
    slots.push(await claimSlot(TOKEN, talking()));
    expect(slots.sort()).toEqual([0, 1, 2, 3]);
  });

  it('makes do with slot 0 where both are missing or forbidden', async () => {
    const forbidden: LockManagerLike = { request: () => Promise.reject(new Error('SecurityError')) };
    expect(await claimSlot(TOKEN, quickly)).toBe(0);
    expect(await claimSlot(TOKEN, { ...quickly, locks: forbidden })).toBe(0);
  });
});
