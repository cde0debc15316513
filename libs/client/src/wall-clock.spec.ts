import { afterEach, describe, expect, it, vi } from 'vitest';
import { settle } from './testing/scripted-transport.js';
import { LongPollTransport } from './long-poll-transport.js';
import { WallClock } from './wall-clock.js';

const START = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

afterEach(() => {
  vi.useRealTimers();
});

describe(WallClock.name, () => {
  it('tells the time of the machine, but never goes back with it', () => {
    vi.useFakeTimers({ now: START });
    const clock = new WallClock();
    expect(clock.now()).toBe(START);
    vi.setSystemTime(START - HOUR_MS);
    vi.advanceTimersByTime(1000);
    expect(clock.now()).toBe(START + 900);
    vi.setSystemTime(START + HOUR_MS);
    expect(clock.now()).toBe(START + HOUR_MS);
  });

  it('does not keep an overlay that polls from asking on when the clock is put back', async () => {
    vi.useFakeTimers({ now: START, toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] });
    let asked = 0;
    const fetch = (): Promise<Response> => {
      asked += 1;
      if (asked === 2) vi.setSystemTime(START - HOUR_MS);
      return Promise.resolve(new Response('{"frames":[]}'));
    };
    const link = new LongPollTransport('ws://gateway/overlay', { fetch }).open(() => ({ op: 'auth', token: 'x' }), {
      frame: () => undefined,
      closed: () => undefined,
    });
    for (let i = 0; i < 10; i += 1) await settle();
    expect(asked).toBe(2);
    vi.advanceTimersByTime(1500);
    for (let i = 0; i < 10; i += 1) await settle();
    expect(asked).toBe(3);
    link.close(1000, 'test over');
  });
});
