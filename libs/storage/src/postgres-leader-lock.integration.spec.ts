import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import * as z from 'zod';
import { describeLeaderLock } from './leader-lock.contract.js';
import { PostgresLeaderLock } from './postgres-leader-lock.js';
import { aChainId } from './testing/chain-story.js';
import { createTestDatabase, type TestDatabase } from './testing/index.js';

Logger.overrideLogger(false);

const Backends = z.array(z.object({ pid: z.number() }));

/** The server's side: who is connected for locks, and ending them. */
async function ask(url: string, statement: string, values: readonly unknown[] = []): Promise<number[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return Backends.parse((await client.query(statement, [...values])).rows).map(({ pid }) => pid);
  } finally {
    await client.end();
  }
}
const backends = (url: string): Promise<number[]> =>
  ask(url, `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'droppio-leader'`);
const holders = (url: string): Promise<number[]> =>
  ask(
    url,
    `SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
const terminate = (url: string, pids: readonly number[]): Promise<number[]> =>
  ask(url, 'SELECT pid FROM unnest($1::int[]) AS pid WHERE pg_terminate_backend(pid)', [pids]);

describeLeaderLock('Postgres', async () => {
  const made = await createTestDatabase(inject('postgresUrl'));
  return {
    join: () => new PostgresLeaderLock({ url: made.url }),
    cut: async () => {
      await terminate(made.url, await holders(made.url));
    },
    close: () => made.drop(),
  };
});

describe(PostgresLeaderLock.name, () => {
  let made: TestDatabase;
  let lock: PostgresLeaderLock;
  let chainId: number;

  beforeEach(async () => {
    made = await createTestDatabase(inject('postgresUrl'));
    lock = new PostgresLeaderLock({ url: made.url });
    chainId = aChainId();
  });
  afterEach(async () => {
    await lock.close();
    await made.drop();
  });

  it('uses one connection for all chains', async () => {
    const chains = Array.from({ length: 10 }, () => aChainId());
    expect(await Promise.all(chains.map((chain) => lock.take(chain)))).toEqual(chains.map(() => true));
    expect(await backends(made.url)).toHaveLength(1);
  });

  it('takes what it held again by itself, without being asked, when its connection broke', async () => {
    await lock.take(chainId);
    const before = await holders(made.url);
    await terminate(made.url, before);
    await expect.poll(() => holders(made.url), { interval: 10 }).toHaveLength(1);
    expect(await holders(made.url)).not.toEqual(before);
  });

  it('stays given back although its connection breaks at that moment', async () => {
    await lock.take(chainId);
    const pids = await holders(made.url);
    await Promise.all([terminate(made.url, pids), lock.give(chainId)]);
    await lock.give(chainId);
    await expect.poll(() => holders(made.url), { interval: 10 }).toEqual([]);
  });

  it('is off behind a pooler in transaction mode: no connection, nothing taken', async () => {
    const logged = vi.spyOn(Logger.prototype, 'log');
    const off = new PostgresLeaderLock({ url: made.url, pooler: 'transaction' });
    expect(logged).not.toHaveBeenCalled();
    expect(await off.take(chainId)).toBe(false);
    expect(await off.take(chainId)).toBe(false);
    expect(logged.mock.calls.map(([event]) => String(event))).toEqual(['leader-lock.off']);
    logged.mockRestore();
    await off.give(chainId);
    await off.close();
    expect(await backends(made.url)).toEqual([]);
  });

  it('answers no within moments when Postgres is not there, and does not try for every question', async () => {
    let tries = 0;
    const refusing = createServer((socket) => {
      tries += 1;
      socket.destroy();
    });
    await once(refusing.listen(0, '127.0.0.1'), 'listening');
    const { port } = refusing.address() as AddressInfo;
    const nowhere = new PostgresLeaderLock({ url: `postgres://nobody@127.0.0.1:${String(port)}/none` });
    const began = performance.now();
    for (let n = 0; n < 50; n += 1) expect(await nowhere.take(chainId)).toBe(false);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(tries).toBeLessThan(10);
    await nowhere.close();
    refusing.close();
  });
});
