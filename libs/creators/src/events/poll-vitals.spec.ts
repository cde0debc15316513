import { Logger } from '@nestjs/common';
import { Instance } from '@droppio/platform';
import { BrokerUnavailable, OverlayVitals, type OverlayMoments, type OverlayPulse } from '@droppio/tips';
import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { PollVitals } from './poll-vitals.js';

Logger.overrideLogger(false);

class NotedVitals extends OverlayVitals {
  readonly held: Record<string, number>[] = [];
  readonly seen = new Map<string, number | undefined>();
  isAway = false;

  override hold(_source: string, sockets: ReadonlyMap<string, number>): Promise<void> {
    if (this.isAway) return Promise.reject(new BrokerUnavailable('away'));
    this.held.push(Object.fromEntries(sockets));
    return Promise.resolve();
  }

  override note(moments: ReadonlyMap<string, OverlayMoments>): Promise<void> {
    for (const [overlayId, { seenAtMs }] of moments) this.seen.set(overlayId, seenAtMs);
    return Promise.resolve();
  }

  override of(): Promise<OverlayPulse> {
    return Promise.resolve({ instances: 0, latenciesMs: [] });
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

function aDoor() {
  const [vitals, clock] = [new NotedVitals(), new ManualClock()];
  return { vitals, clock, polls: new PollVitals(vitals, clock, new Instance('one', 'api')) };
}

describe(PollVitals.name, () => {
  it('counts a page between its polls, and no longer when it asks no more', async () => {
    const { vitals, clock, polls } = aDoor();
    await polls.tell();
    const answered = polls.begin('a');
    const other = polls.begin('b');
    polls.begin('b')();
    await polls.tell();
    answered();
    const answeredAt = clock.now();
    clock.advance(10_000);
    await polls.tell();
    clock.advance(10_000);
    await polls.tell();
    other();
    clock.advance(20_000);
    await polls.tell();
    await polls.tell();
    expect(vitals.held).toEqual([{ a: 1, b: 2 }, { a: 1, b: 1 }, { b: 1 }, {}]);
    expect(vitals.seen.get('a')).toBe(answeredAt);
  });

  it('says it all with the next word where one was lost, and goodbye at the end', async () => {
    const { vitals, polls } = aDoor();
    polls.begin('a');
    vitals.isAway = true;
    await polls.tell();
    vitals.isAway = false;
    await polls.tell();
    await polls.beforeApplicationShutdown();
    expect(vitals.held).toEqual([{ a: 1 }, {}]);
  });
});
