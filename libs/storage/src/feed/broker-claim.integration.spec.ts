import { Logger } from '@nestjs/common';
import { StartupFault } from '@droppio/platform';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createTestDatabase, query, SessionProxy, type TestDatabase } from '../testing/index.js';
import { BrokerClaim, type ClaimPlan } from './broker-claim.js';

Logger.overrideLogger(false);

const key = (id: number) => ({ id, secret: Buffer.alloc(32, id) });

describe(BrokerClaim.name, () => {
  let database: TestDatabase;
  const claims: BrokerClaim[] = [];
  beforeAll(async () => (database = await createTestDatabase(inject('postgresUrl'))));
  afterEach(async () => {
    await Promise.all(claims.splice(0).map((claim) => claim.close()));
  });
  afterAll(() => database.drop());

  async function take(kind: ClaimPlan['kind'], keys = [1], url = database.url): Promise<BrokerClaim> {
    const claim = await BrokerClaim.take({ url, kind, why: 'it is alone.', tokenKeys: keys.map(key) }, { liveMs: 100 });
    claims.push(claim);
    return claim;
  }

  /** Sessions that say that somebody is here. */
  const holders = async (): Promise<readonly unknown[]> =>
    query(database.url, `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 7205 AND granted`);

  it.each(['postgres', 'redis'] as const)('lets as many live on one database as carry their events by %s', async (kind) => {
    for (let n = 0; n < 3; n += 1) await take(kind);
  });

  it('lets in all that start at the same moment with the same keys', async () => {
    for (let round = 0; round < 5; round += 1) {
      const together = await Promise.all(Array.from({ length: 8 }, () => take('postgres', [1, 2])));
      await Promise.all(together.map((claim) => claim.close()));
    }
  });

  it.each([
    ['alone', 'alone', /would not hear of its tips: it is alone\./],
    ['postgres', 'alone', /would not hear of its tips: it is alone\./],
    ['alone', 'postgres', /by itself \(BROKER=memory, or without CHAINS\)/],
    ['postgres', 'redis', /carries its events by Postgres: give all of them the same BROKER/],
    ['redis', 'postgres', /carries its events by Redis: give all of them the same BROKER/],
  ] as const)('where one is there as %s says to one that comes as %s why not', async (first, second, sentence) => {
    await take(first);
    const error: unknown = await take(second).catch((fault: unknown) => fault);
    expect(error).toBeInstanceOf(StartupFault);
    expect(String(error)).toMatch(sentence);
  });

  it('lets keys be rotated one process at a time, and no stranger in who has none of them', async () => {
    await take('postgres', [1]);
    await take('postgres', [1, 2]);
    await expect(take('postgres', [3])).rejects.toThrow(/signs overlay URLs with other keys.*OVERLAY_TOKEN_KEYS/);
    await expect(take('postgres', [2])).rejects.toThrow(/other keys/);
  });

  it('ends with its process, and is taken again when only the connection ended', async () => {
    const first = await take('alone');
    await first.close();
    await take('postgres');
    await query(
      database.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'droppio-claim' AND datname = current_database()`,
    );
    await expect.poll(holders, { timeout: 5000 }).toHaveLength(1);
    await expect(take('redis')).rejects.toThrow(/by Postgres/);
  });

  it('is taken again where its connection got another session, which holds nothing', async () => {
    const proxy = await SessionProxy.open(database.url);
    await take('alone', [1], proxy.url);
    const before = await holders();
    await proxy.swap();
    await expect.poll(holders, { timeout: 5000 }).toHaveLength(1);
    expect(await holders()).not.toEqual(before);
    await expect(take('postgres')).rejects.toThrow(/by itself/);
    await Promise.all(claims.splice(0).map((claim) => claim.close()));
    await proxy.close();
  });

  it('is taken again where nobody answers any more, though the connection never ended', async () => {
    const proxy = await SessionProxy.open(database.url);
    await take('postgres', [1], proxy.url);
    proxy.freeze();
    // The server does not know yet that the first one is gone.
    await expect.poll(holders).toHaveLength(2);
    await Promise.all(claims.splice(0).map((claim) => claim.close()));
    await proxy.close();
  });
});
