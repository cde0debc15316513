import { StartupFault } from '@droppio/platform';
import { describe, expect, it } from 'vitest';
import { brokerOf, claimPlan } from './broker.js';

const DATABASE_URL = 'postgres://u:p@db/droppio';
const REDIS_URL = 'redis://cache';
const DIRECT = 'postgres://u:p@direct/droppio';
const settings = (given: Partial<Parameters<typeof brokerOf>[0]> = {}): Parameters<typeof brokerOf>[0] => ({
  BROKER: undefined,
  REDIS_URL: undefined,
  DATABASE_URL: undefined,
  DATABASE_LISTEN_URL: undefined,
  DATABASE_POOLER: 'none',
  CHAINS: [],
  ...given,
});

describe(brokerOf.name, () => {
  it.each([
    [{}, { kind: 'memory' }],
    [{ DATABASE_URL }, { kind: 'postgres', listenUrl: DATABASE_URL }],
    [
      { DATABASE_URL, REDIS_URL },
      { kind: 'redis', url: REDIS_URL },
    ],
    [{ REDIS_URL }, { kind: 'redis', url: REDIS_URL }],
    [{ DATABASE_URL, BROKER: 'memory' }, { kind: 'memory' }],
    [
      { DATABASE_URL, DATABASE_LISTEN_URL: DIRECT },
      { kind: 'postgres', listenUrl: DIRECT },
    ],
    [
      { DATABASE_URL, DATABASE_POOLER: 'transaction', DATABASE_LISTEN_URL: DIRECT },
      { kind: 'postgres', listenUrl: DIRECT },
    ],
  ] as const)('takes for %j the broker that serves it', (given, broker) => {
    expect(brokerOf(settings(given))).toEqual(broker);
  });

  it.each([
    [{ BROKER: 'redis' }, 'BROKER=redis needs REDIS_URL.'],
    [{ BROKER: 'postgres' }, 'BROKER=postgres needs DATABASE_URL'],
    [{ BROKER: 'postgres', DATABASE_URL, REDIS_URL }, 'REDIS_URL is set, and BROKER=postgres would not use it.'],
    [{ BROKER: 'memory', REDIS_URL }, 'REDIS_URL is set, and BROKER=memory would not use it.'],
    [{ DATABASE_URL, DATABASE_POOLER: 'transaction' }, 'Set DATABASE_LISTEN_URL to a direct connection, or REDIS_URL.'],
  ] as const)('says what is wrong with %j', (given, sentence) => {
    expect(() => brokerOf(settings(given))).toThrow(StartupFault);
    expect(() => brokerOf(settings(given))).toThrow(sentence);
  });
});

describe(claimPlan.name, () => {
  const plan = (given: Partial<Parameters<typeof brokerOf>[0]>) => claimPlan(brokerOf(settings(given)), settings(given), []);

  it('says nothing on a database that is its own', () => {
    expect(plan({})).toBeUndefined();
  });

  it('says how events are carried, and wants to be alone where they are not or the chain is a local one', () => {
    expect(plan({ DATABASE_URL })).toMatchObject({ kind: 'postgres', url: DATABASE_URL });
    expect(plan({ DATABASE_URL, REDIS_URL })).toMatchObject({ kind: 'redis' });
    for (const [given, word] of [
      [{ BROKER: 'memory' }, 'BROKER=memory'],
      [{ CHAINS: undefined }, 'CHAINS'],
    ] as const) {
      const claim = plan({ DATABASE_URL, ...given });
      expect(claim?.kind).toBe('alone');
      expect(claim?.why).toContain(word);
    }
  });

  it('uses the direct connection, since a lock behind a pooler belongs to nobody', () => {
    expect(plan({ DATABASE_URL, DATABASE_LISTEN_URL: DIRECT, DATABASE_POOLER: 'transaction' })).toMatchObject({ url: DIRECT });
    expect(plan({ DATABASE_URL, REDIS_URL, DATABASE_POOLER: 'transaction' })).toBeUndefined();
  });
});
