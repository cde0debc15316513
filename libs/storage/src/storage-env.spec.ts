import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { loadEnv } from '@droppio/platform';
import { optionalStorageEnv, storageEnv, storageOptions } from './storage-env.js';

const DATABASE_URL = 'postgres://user:password@db:5432/droppio';

describe('the settings of storage', () => {
  it('need only the URL', () => {
    const env = loadEnv(z.object(storageEnv), { DATABASE_URL });
    expect(storageOptions(env.DATABASE_URL, env)).toEqual({
      url: DATABASE_URL,
      poolSize: 10,
      pooler: 'none',
      connectTimeoutMs: 5000,
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 5000,
      migrate: true,
      schemaWaitMs: 0,
    });
  });

  it('read faults as sentences, all at once', () => {
    const bad = { DATABASE_URL: 'mysql://x', DATABASE_POOL_SIZE: '0', DATABASE_POOLER: 'yes', DATABASE_MIGRATE: 'maybe' };
    const faults = (): unknown => loadEnv(z.object(storageEnv), bad);
    expect(faults).toThrow(/DATABASE_URL does not fit: it must look like postgres:\/\//);
    expect(faults).toThrow(/DATABASE_POOL_SIZE[^]*DATABASE_POOLER[^]*DATABASE_MIGRATE/);
    expect(() => loadEnv(z.object(storageEnv), {})).toThrow('DATABASE_URL is missing.');
  });

  it('do without a URL where an embedded Postgres can stand in', () => {
    expect(loadEnv(z.object(optionalStorageEnv), {}).DATABASE_URL).toBeUndefined();
  });
});
