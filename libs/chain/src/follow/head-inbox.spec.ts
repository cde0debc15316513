import { aBlock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { HeadInbox, type HeadHint } from './head-inbox.js';

const hint = (number: number): HeadHint => ({ head: aBlock({ number }), receivedAtMs: 1 });

describe(HeadInbox.name, () => {
  it('gives the highest head first, and of two rivals the later one', () => {
    const inbox = new HeadInbox();
    const [low, high, rival] = [hint(1), hint(2), hint(2)];
    for (const told of [high, low, rival]) inbox.offer(told);
    expect([inbox.take(), inbox.take(), inbox.take(), inbox.take()]).toEqual([rival, high, low, undefined]);
  });

  it('keeps nothing that is no higher than a head that was asked for, so that failing on it ends', () => {
    const inbox = new HeadInbox();
    const [dead, asked, newer] = [hint(4), hint(5), hint(6)];
    for (const told of [dead, hint(5), newer]) inbox.offer(told);
    inbox.replace(asked);
    expect([inbox.take(), inbox.take()]).toEqual([newer, asked]);
    expect(inbox.isEmpty).toBe(true);
  });
});
