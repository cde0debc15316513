import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { backoffMs, LeaderLock } from '@droppio/tips';
import { Client } from 'pg';
import * as z from 'zod';
import type { StorageOptions } from './storage-env.js';
import { storageError } from './storage-errors.js';

/** First half of every key, so that our locks are not those of another program on the same database. */
const ROOM = 7203;
const CONNECT_MS = 2000;
const ANSWER_MS = 1000;
const RECONNECT = { baseMs: 200, capMs: 5000 };

/** Chain ids may be wider than the half of a key; a collision only means that the lease alone decides. */
const TAKE = 'SELECT pg_try_advisory_lock($1::integer, hashint8($2::bigint)) AS held';
const GIVE = 'SELECT pg_advisory_unlock($1::integer, hashint8($2::bigint)) AS held';
const Held = z.tuple([z.object({ held: z.boolean() })]);
const SESSION = `SET statement_timeout = ${String(ANSWER_MS)}; SET idle_session_timeout = 0`;
/*
 * The server lets the locks fall when it sees the connection end: at once when the process dies, and by these within five seconds when the
 * machine or the network does. Not every system knows all of them.
 */
const KEEP_ALIVES =
  'SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 5000';

/**
 * Session-level advisory locks on one connection of its own for all chains of the process: never from the pool, where another statement
 * could end or hand on the session. Off behind a pooler in transaction mode, where a session belongs to nobody.
 */
export class PostgresLeaderLock extends LeaderLock {
  private readonly logger = new Logger('storage');
  private readonly held = new Set<number>();
  private client: Client | undefined;
  /** One statement after the other, so that what is given back stays given back. */
  private last: Promise<unknown> = Promise.resolve();
  private failures = 0;
  private retryAtMs = 0;
  private isOff: boolean;
  private hasSaid = false;

  constructor(private readonly options: Pick<StorageOptions, 'url' | 'pooler'>) {
    super();
    this.isOff = options.pooler === 'transaction';
  }

  override take(chainId: number): Promise<boolean> {
    if (this.options.pooler === 'transaction') this.sayOff();
    return this.inTurn(false, async () => {
      const client = await this.connected();
      if (client === undefined) return false;
      if (this.held.has(chainId)) {
        await client.query('SELECT 1');
        return this.held.has(chainId);
      }
      const [{ held }] = Held.parse((await client.query(TAKE, [ROOM, chainId])).rows);
      if (held) this.held.add(chainId);
      return held;
    });
  }

  override give(chainId: number): Promise<void> {
    return this.inTurn(undefined, async () => {
      if (this.held.delete(chainId)) await this.client?.query(GIVE, [ROOM, chainId]);
    });
  }

  override async close(): Promise<void> {
    this.isOff = true;
    await this.last;
    this.held.clear();
    const { client } = this;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  /** Once, and only where somebody asks: most processes lead nothing. */
  private sayOff(): void {
    if (this.hasSaid) return;
    this.hasSaid = true;
    this.logger.log('leader-lock.off', { reason: 'DATABASE_POOLER=transaction: a standby takes over by lease alone' });
  }

  private inTurn<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
    const done = this.last.then(async () => {
      try {
        return await work();
      } catch (error) {
        this.lost(this.client, error);
        return otherwise;
      }
    });
    this.last = done;
    return done;
  }

  /** `undefined`: it is off, or the last attempt failed only just now. */
  private async connected(): Promise<Client | undefined> {
    if (this.isOff) return undefined;
    if (this.client !== undefined || Date.now() < this.retryAtMs) return this.client;
    const client = new Client({
      connectionString: this.options.url,
      application_name: 'droppio-leader',
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: ANSWER_MS,
      keepAlive: true,
    });
    client.on('error', (error) => {
      this.lost(client, error);
    });
    client.on('end', () => {
      this.lost(client);
    });
    try {
      await client.connect();
      await client.query(SESSION);
      await client.query(KEEP_ALIVES).catch((error: unknown) => {
        this.logger.debug('leader-lock.keep-alives', errorFields(storageError(error)));
      });
      this.client = client;
      this.failures = 0;
      return client;
    } catch (error) {
      this.retryAtMs = Date.now() + RECONNECT.baseMs / 2 + backoffMs(this.failures, RECONNECT);
      this.failures += 1;
      void client.end().catch(() => undefined);
      throw error;
    }
  }

  /** The locks fell with the connection. They are taken again at once: a standby need not take over from a leader who is well. */
  private lost(client: Client | undefined, error?: unknown): void {
    if (client === undefined || client !== this.client) return;
    this.client = undefined;
    const chains = [...this.held];
    this.held.clear();
    void client.end().catch(() => undefined);
    if (this.isOff) return;
    this.logger.warn('leader-lock.lost', { chains: chains.length, ...(error === undefined ? {} : errorFields(storageError(error))) });
    for (const chainId of chains) void this.take(chainId);
  }
}
