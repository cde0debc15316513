import { randomBytes, randomUUID } from 'node:crypto';
import { OverlayTokens } from '@droppio/protocol/overlay-token';
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
    // What belongs to a copy is nothing of the first one's, nor of a source with such a name.
    const copy = `droppio:${instanceKey(TOKEN, 'left', 1)}:`;
    const others = ['left', 'left#1', 'left:1'].map((name) => `droppio:${instanceKey(TOKEN, name)}:`);
    expect(others.filter((other) => copy.startsWith(other))).toEqual([]);
  });

  it('is that of the overlay where the server has made the token, whichever key and version signed it', () => {
    const [overlayId, other, creatorId] = [randomUUID(), randomUUID(), randomUUID()];
    const keys = [7, 8].map((id) => new OverlayTokens([{ id, secret: randomBytes(32) }]));
    const tokens = keys.flatMap((key) => [1, 2].map((version) => key.sign({ overlayId, creatorId, version })));
    expect(new Set(tokens.map(tokenFingerprint)).size).toBe(1);
    const theirs = keys[0]?.sign({ overlayId: other, creatorId, version: 1 }) ?? '';
    expect(tokenFingerprint(theirs)).not.toBe(tokenFingerprint(tokens[0] ?? ''));
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

  it('leaves a name to the first page that bears it, over a reload too, and tells a copy of it apart', async () => {
    const locks = new PageLocks();
    const tab = new MemoryTab();
    const copysTab = new MemoryTab();
    const [first, copy] = [locks.page(), locks.page()];
    expect(await claimSlot(TOKEN, { ...quickly, locks: first, tab }, 'left')).toBe(0);
    expect(await claimSlot(TOKEN, { ...quickly, locks: copy, tab: copysTab }, 'left')).toBe(1);
    expect(await claimSlot(TOKEN, { ...quickly, locks: locks.page() }, 'right')).toBe(0);
    expect(await claimSlot(TOKEN, { ...quickly, locks: locks.page() })).toBe(0);
    for (const page of [first, copy]) page.end();
    // In whatever order they come back.
    expect(await claimSlot(TOKEN, { ...quickly, locks: locks.page(), tab: copysTab }, 'left')).toBe(1);
    expect(await claimSlot(TOKEN, { ...quickly, locks: locks.page(), tab }, 'left')).toBe(0);
  });

  it('does not take a source that is made anew for a copy, while its former self is only just going', async () => {
    const locks = new PageLocks();
    const former = locks.page();
    await claimSlot(TOKEN, { ...quickly, locks: former }, 'left');
    const again = claimSlot(TOKEN, { ...quickly, sleep: () => new Promise(() => undefined), locks: locks.page() }, 'left');
    setImmediate(() => {
      former.end();
    });
    expect(await again).toBe(0);
  });

  it('comes to the same by talking where there are no locks, even when several ask at once', async () => {
    const slots = await Promise.all([1, 2, 3].map(() => claimSlot(TOKEN, talking())));
    slots.push(await claimSlot(TOKEN, talking()));
    expect(slots.sort()).toEqual([0, 1, 2, 3]);
    const ofOneName = await Promise.all([1, 2].map(() => claimSlot(TOKEN, talking(), 'left')));
    expect(ofOneName.sort()).toEqual([0, 1]);
  });

  it('makes do with slot 0 where both are missing or forbidden', async () => {
    const forbidden: LockManagerLike = { request: () => Promise.reject(new Error('SecurityError')) };
    expect(await claimSlot(TOKEN, quickly)).toBe(0);
    expect(await claimSlot(TOKEN, { ...quickly, locks: forbidden })).toBe(0);
  });
});
