import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { openDatabase } from './migrate.js';
import { createEmptyDatabase, query } from './testing/index.js';

describe('a process that may not migrate', () => {
  let made: Awaited<ReturnType<typeof createEmptyDatabase>>;
  beforeEach(async () => {
    made = await createEmptyDatabase(inject('postgresUrl'));
  });
  afterEach(() => made.drop());

  it('waits for the schema that somebody else brings, for as long as it is told to', async () => {
    const { url } = made;
    const began = Date.now();
    await expect(openDatabase({ url, migrate: false, schemaWaitMs: 2500 })).rejects.toThrow(/lacks \d+ migration\(s\)/);
    expect(Date.now() - began).toBeGreaterThan(400);
    const waiting = openDatabase({ url, migrate: false, schemaWaitMs: 60_000 });
    const migrated = await openDatabase({ url, migrate: true });
    await Promise.all([(await waiting).close(), migrated.close()]);
  });

  it('waits, too, as a role that has no rights before the schema is there', async () => {
    const role = `waiting_${randomBytes(4).toString('hex')}`;
    await query(made.url, `CREATE ROLE ${role} LOGIN PASSWORD 'waiting'`);
    await query(made.url, 'REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    const url = new URL(made.url);
    [url.username, url.password] = [role, 'waiting'];
    const waiting = openDatabase({ url: url.href, migrate: false, schemaWaitMs: 60_000 });
    const migrated = await openDatabase({ url: made.url, migrate: true });
    await query(made.url, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    await Promise.all([(await waiting).close(), migrated.close()]);
    await query(made.url, `DROP OWNED BY ${role}`);
    await query(made.url, `DROP ROLE ${role}`);
  });
});
