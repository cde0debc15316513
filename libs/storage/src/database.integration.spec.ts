import { Client } from 'pg';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { afterEach, beforeAll, afterAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { Health, Instance, PlatformModule } from '@droppio/platform';
import { CreatorDirectory, StorageUnavailable, TipLedger } from '@droppio/tips';
import { aBlock } from '@droppio/tips/testing';
import { Database } from './database.js';
import { openDatabase } from './migrate.js';
import type { StorageOptions } from './storage-env.js';
import { StorageModule } from './storage.module.js';
import { aChainId } from './testing/chain-story.js';
import { createTestDatabase, type TestDatabase } from './testing/index.js';

const Pid = z.object({ pid: z.number() });
const PID = 'SELECT pg_backend_pid() AS pid';

describe(Database.name, () => {
  let made: TestDatabase;
  let database: Database | undefined;

  beforeAll(async () => {
    made = await createTestDatabase(inject('postgresUrl'));
  });
  afterEach(async () => {
    await database?.close();
  });
  afterAll(async () => {
    await made.drop();
  });

  const open = async (options: Partial<StorageOptions> = {}): Promise<Database> =>
    (database = await openDatabase({ url: made.url, migrate: false, poolSize: 1, ...options }));

  async function elsewhere(statement: string, values: unknown[] = []): Promise<unknown[]> {
    const client = new Client({ connectionString: made.url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement, values)).rows;
    } finally {
      await client.end();
    }
  }

  it('says that a lost connection is worth another try, and has a new one by then', async () => {
    const sql = await open();
    // The next user races the end of the connection, so once would prove little.
    for (let times = 0; times < 20; times += 1) {
      const [row] = await sql.rows(Pid, PID);
      const running = sql.run('SELECT pg_sleep(20)');
      running.catch(() => undefined);
      await elsewhere('SELECT pg_terminate_backend($1)', [row?.pid]);
      await expect(running).rejects.toThrow(StorageUnavailable);
      await sql.ping();
    }
  });

  it('replaces a connection that broke while nobody used it', async () => {
    const sql = await open();
    const [row] = await sql.rows(Pid, PID);
    await elsewhere('SELECT pg_terminate_backend($1)', [row?.pid]);
    await expect
      .poll(() =>
        sql.ping().then(
          () => 'well',
          () => 'broken',
        ),
      )
      .toBe('well');
  });

  it('cancels a statement, and a wait for a lock, that take too long', async () => {
    const sql = await open({ statementTimeoutMs: 300, lockTimeoutMs: 100 });
    await expect(sql.run('SELECT pg_sleep(20)')).rejects.toMatchObject({ retryable: true, context: { sqlState: '57014' } });
    const holder = new Client({ connectionString: made.url });
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE creators');
    await expect(sql.run('SELECT * FROM creators')).rejects.toMatchObject({ retryable: true, context: { sqlState: '55P03' } });
    await holder.end();
    await sql.ping();
  });

  it('sets nothing on a session when a pooler stands in between, but keeps its limits inside transactions', async () => {
    const sql = await open({ statementTimeoutMs: 300, pooler: 'transaction' });
    const Limit = z.object({ statement_timeout: z.string() });
    expect(await sql.rows(Limit, 'SHOW statement_timeout')).toEqual([{ statement_timeout: '0' }]);
    expect(await sql.transaction((inside) => inside.rows(Limit, 'SHOW statement_timeout'))).toEqual([{ statement_timeout: '300ms' }]);
    expect(await sql.rows(Limit, 'SHOW statement_timeout')).toEqual([{ statement_timeout: '0' }]);
  });

  it('hangs up on a server that does not answer, and goes on with another connection', async () => {
    const sql = await open({ statementTimeoutMs: 100, pooler: 'transaction' });
    const asked = Date.now();
    await expect(sql.run('SELECT pg_sleep(20)')).rejects.toThrow(StorageUnavailable);
    await sql.ping();
    expect(Date.now() - asked).toBeLessThan(5000);
  });

  it('gives up waiting for a free connection', async () => {
    const sql = await open({ connectTimeoutMs: 200 });
    const busy = sql.run('SELECT pg_sleep(1)');
    await expect(sql.ping()).rejects.toThrow(StorageUnavailable);
    await busy;
    await sql.ping();
  });

  it('takes a transaction back whole when its work fails', async () => {
    const sql = await open();
    const work = sql.transaction(async (inside) => {
      await inside.run(`INSERT INTO chain_leases VALUES (1, 'x', 1, now())`);
      throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    expect(await elsewhere('SELECT * FROM chain_leases')).toEqual([]);
  });

  it('runs a transaction again that lost a deadlock', async () => {
    const sql = await open({ poolSize: 2 });
    await elsewhere(`INSERT INTO chain_leases VALUES (1, 'x', 1, now()), (2, 'x', 1, now()) ON CONFLICT DO NOTHING`);
    let runs = 0;
    let arrived = 0;
    const both = new Promise<void>((resolve) => {
      const check = setInterval(() => {
        if (arrived < 2) return;
        clearInterval(check);
        resolve();
      }, 5);
    });
    let finish = (): void => undefined;
    const oneIsThrough = new Promise<void>((resolve) => (finish = resolve));
    const touch = async (first: number, second: number) => {
      await sql.transaction(async (inside) => {
        runs += 1;
        // Begun anew at once it might overtake the other one, which only now hears of its lock, and lose a second time.
        if (runs > 2) await oneIsThrough;
        await inside.run('UPDATE chain_leases SET epoch = epoch + 1 WHERE chain_id = $1', [first]);
        arrived += 1;
        await both;
        await inside.run('UPDATE chain_leases SET epoch = epoch + 1 WHERE chain_id = $1', [second]);
      });
      finish();
    };
    await Promise.all([touch(1, 2), touch(2, 1)]);
    expect(runs).toBe(3);
    expect(await elsewhere('SELECT epoch::int FROM chain_leases')).toEqual([{ epoch: 3 }, { epoch: 3 }]);
  });
});

describe(StorageModule.name, () => {
  it('furnishes the ports, tells whether Postgres answers, and closes its pool last', async () => {
    const made = await createTestDatabase(inject('postgresUrl'));
    const health = new Health();
    const imports = [PlatformModule.for(new Instance('one', 'test'), health), StorageModule.for({ url: made.url, migrate: true })];
    @Module({ imports })
    class Rooms {}
    const app = await NestFactory.createApplicationContext(Rooms, { logger: false });
    expect(await health.ready()).toEqual({ ok: true, faults: {} });
    const ledger = app.get(TipLedger);
    expect(await ledger.begin(aChainId(), aBlock(), 1)).toMatchObject({ fence: 1 });
    expect(app.get(CreatorDirectory)).toBeInstanceOf(CreatorDirectory);
    await app.close();
    await expect(ledger.cursor(1)).rejects.toThrow();
    expect(await health.ready()).toEqual({ ok: false, faults: { postgres: 'Postgres does not answer.' } });
    await made.drop();
  });
});
