import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, inject, it } from 'vitest';

it('gives tests a Redis and a Postgres of their own', async () => {
  const redis = new Redis(inject('redisUrl'));
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  const { rows } = await client.query<{ answer: number }>('SELECT 6 * 7 AS answer');
  expect(rows[0]?.answer).toBe(42);
  await client.end();
});
