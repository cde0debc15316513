import { connect } from 'node:net';
import { findPrograms, startPostgres, type PostgresServer } from '@droppio/e2e/houses';
import { RedisServer } from '@droppio/broker/testing';
import { makeRoles, sql } from './audit.js';
import { SLOTS } from './failpoints.js';
import { roleOf } from './group.js';

const FLUSH_MS = 3000;

/** The real servers of one invocation. */
export class Services {
  private constructor(
    readonly anvilPath: string,
    readonly postgres: PostgresServer,
    readonly redis: RedisServer,
  ) {}

  static async start(): Promise<Services> {
    const programs = findPrograms();
    const [postgres, redis] = await Promise.all([startPostgres(), RedisServer.start(programs.redisServerPath)]);
    await makeRoles(postgres.url, SLOTS.map(roleOf));
    return new Services(programs.anvilPath, postgres, redis);
  }

  get postgresPort(): number {
    return Number(new URL(this.postgres.url).port);
  }

  /** Ends every connection of the listeners, in the middle of whatever they do. */
  async cutBackends(): Promise<void> {
    await sql(this.postgres.url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'chaos_l%'`);
  }

  /** One backend dies by SIGKILL: Postgres then ends all the others and recovers from its log, as after a crash. */
  async crashPostgres(): Promise<void> {
    const [row] = await sql(this.postgres.url, `SELECT pid FROM pg_stat_activity WHERE usename LIKE 'chaos_l%' LIMIT 1`);
    try {
      if (row !== undefined) process.kill(Number(row['pid']), 'SIGKILL');
    } catch {
      // It ended by itself just now.
    }
  }

  /** Rejects when it is killed in the midst of it. */
  async flushRedis(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const socket = connect(this.redis.port, '127.0.0.1', () => socket.write('FLUSHALL\r\n'));
      socket.setTimeout(FLUSH_MS, () => socket.destroy());
      socket.once('error', reject);
      socket.once('data', () => {
        resolve();
        socket.destroy();
      });
      // Also without an error: a server that dies may hang up politely.
      socket.once('close', () => {
        reject(new Error('Redis hung up'));
      });
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.postgres.stop(), this.redis.stop()]);
  }
}
