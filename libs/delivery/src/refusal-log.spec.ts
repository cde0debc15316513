import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '@droppio/tips/testing';
import { RefusalLog } from './refusal-log.js';

const lines: unknown[] = [];
const none = (): void => undefined;
beforeEach(() => {
  lines.length = 0;
  Logger.overrideLogger({ log: none, error: none, warn: (_: string, facts: unknown) => lines.push(facts) });
});
afterEach(() => {
  Logger.overrideLogger(false);
});

describe(RefusalLog.name, () => {
  it('says where bad tokens come from, without saying who, and one line for many of them', () => {
    const clock = new ManualClock();
    const log = new RefusalLog(clock);
    for (let n = 0; n < 1000; n += 1) log.badToken('192.0.2.77');
    expect(lines).toEqual(Array(5).fill({ from: '192.0.2.0/24', sinceLastLine: 1 }));
    clock.advance(10_000);
    log.badToken('2001:db8:0:7::/64');
    log.badToken('2001:db8:0:7::/64');
    expect(lines.slice(5)).toEqual([{ from: '2001:db8:0::/48', sinceLastLine: 996 }]);
  });
});
