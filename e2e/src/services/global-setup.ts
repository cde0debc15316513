import type { TestProject } from 'vitest/node';
import { startPostgres, type PostgresServer } from './postgres.js';
import { findTestPrograms, type TestPrograms } from './programs.js';
import { startRedis, type RedisServer } from './redis.js';

interface Services {
  readonly programs: TestPrograms;
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
}

/** Real services for a project's tests, on free ports; a service that cannot be had fails the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { programs, redis, postgres } = await start();
  project.provide('redisUrl', redis.url);
  project.provide('postgresUrl', postgres.url);
  project.provide('anvilPath', programs.anvilPath);
  project.provide('chromiumPath', programs.chromiumPath);
  project.provide('redisServerPath', programs.redisServerPath);
  project.provide('prometheusPath', programs.prometheusPath);
  project.provide('promtoolPath', programs.promtoolPath);
  project.provide('amtoolPath', programs.amtoolPath);
  project.provide('nginxPath', programs.nginxPath);
  project.provide('postgresPath', programs.postgresPath);
  return async () => {
    await Promise.all([redis.stop(), postgres.stop()]);
  };
}

async function start(): Promise<Services> {
  const programs = findTestPrograms();
  const [redis, postgres] = await Promise.all([startRedis(programs.redisServerPath), startPostgres()]);
  return { programs, redis, postgres };
}
