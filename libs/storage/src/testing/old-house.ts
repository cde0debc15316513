import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import * as z from 'zod';
import { createDataSource, MIGRATIONS } from '../data-source.js';
import { migrate } from '../migrator.js';
import { createEmptyDatabase, type TestDatabase } from './test-database.js';

const CREATORS = 50;
const hash = (n: string): string => `decode(md5(${n}::text) || md5('x' || ${n}::text), 'hex')`;
const wallet = (n: string): string => `decode(lpad(to_hex((${n}) % ${String(CREATORS)}), 40, '0'), 'hex')`;
const creator = (n: string): string => `('22222222-2222-4222-8222-' || lpad(((${n}) % ${String(CREATORS)})::text, 12, '0'))::uuid`;
const ZEROS = `decode(repeat('00', 32), 'hex')`;
const DISPLAY = `'{"message": "gg", "amount": {"symbol": "ETH", "decimals": 18}}'::jsonb`;
const COLUMNS =
  'chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, display, told_to, state, rev, block_number, block_hash, block_time_ms, log_index';
const tipRow = (n: string, state: string): string =>
  `1, ${hash(n)}, 0, ${wallet(n)}, ${wallet(`${n} / 7`)}, ${wallet('0')}, ${n}, 'gg', ${ZEROS}, ${DISPLAY}, ${creator(n)}, ${state}, 1, ${n}, ${ZEROS}, 1767225600000 + ${n}::bigint * 1000, 0`;

/** A database as a version before left it, after so many migrations, with so many tips: nine of ten are final. */
export async function anOldHouse(postgresUrl: string, migrations: number, tips: number): Promise<TestDatabase> {
  const made = await createEmptyDatabase(postgresUrl);
  const source = createDataSource({ url: made.url, migrate: true, poolSize: 2 });
  source.setOptions({ migrations: MIGRATIONS.slice(0, migrations) });
  await source.initialize();
  await migrate(source);
  const last = String(CREATORS - 1);
  for (const statement of [
    `INSERT INTO creators (id, handle, display_name) SELECT ${creator('n')}, 'c-' || n, 'x' FROM generate_series(0, ${last}) n`,
    `INSERT INTO creator_streams (creator_id, epoch, head, published) SELECT ${creator('n')}, 'epoch-epoch', 0, 0 FROM generate_series(0, ${last}) n`,
    `INSERT INTO tips (${COLUMNS}) SELECT ${tipRow('n', `CASE WHEN n % 10 = 0 THEN 'confirmed' ELSE 'finalized' END`)} FROM generate_series(1, ${String(tips)}) n`,
    `INSERT INTO creator_events (creator_id, seq, type, payload) SELECT ${creator('n')}, n, 'test', jsonb_build_object('seq', n, 'type', 'test', 'id', n) FROM generate_series(1, ${String(tips / 5)}) n`,
    'ANALYZE',
  ]) {
    await source.query(statement);
  }
  await source.destroy();
  return made;
}

const Outcome = z.object({ rowCount: z.number().nullable() });

/**
 * Who uses such a database meanwhile, as a listener, a page and the pricing of the version before would: new tips, tips that become final, prices,
 * events, and the history of a wallet. Says how many transactions there were, and how long the slowest of them took.
 */
export class Traffic {
  /** Set by whoever sees the table of prices come. */
  hasPrices = false;
  readonly seen = { done: 0, priced: 0, longestMs: 0, slowest: '' };
  private readonly clients: Client[] = [];
  private readonly running: Promise<void>[] = [];
  private isOver = false;
  private nth = 10_000_000;

  constructor(
    private readonly url: string,
    private readonly tips: number,
  ) {}

  async start(): Promise<void> {
    const kinds = { commit: () => this.commit(), price: () => this.price(), read: () => this.read() };
    for (const [kind, statements] of Object.entries(kinds)) {
      const client = new Client({ connectionString: this.url, application_name: 'traffic' });
      await client.connect();
      this.clients.push(client);
      const running = this.loop(client, kind, statements);
      // Heard in `stop`.
      running.catch(() => undefined);
      this.running.push(running);
    }
  }

  /** Rejects with what went wrong. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.running.splice(0));
    await Promise.all(this.clients.splice(0).map((client) => client.end()));
  }

  private async loop(client: Client, kind: string, statements: () => readonly string[]): Promise<void> {
    while (!this.isOver) {
      const begun = performance.now();
      await client.query('BEGIN');
      for (const statement of statements()) {
        const { rowCount } = Outcome.parse(await client.query(statement));
        if (statement.startsWith('INSERT INTO tip_values')) this.seen.priced += rowCount ?? 0;
      }
      await client.query('COMMIT');
      const tookMs = performance.now() - begun;
      this.seen.done += 1;
      if (tookMs > this.seen.longestMs) this.seen.slowest = kind;
      this.seen.longestMs = Math.max(this.seen.longestMs, tookMs);
      await pause(1);
    }
  }

  private commit(): readonly string[] {
    this.nth += 1;
    const n = String(this.nth);
    return [
      `INSERT INTO tips (${COLUMNS}) SELECT ${tipRow(n, this.nth % 2 === 0 ? `'finalized'` : `'confirmed'`)}`,
      `UPDATE tips SET state = 'finalized', rev = rev + 1 WHERE (chain_id, tx_hash, ordinal) = (1, ${hash(this.any(10))}, 0) AND state = 'confirmed'`,
      `INSERT INTO creator_events (creator_id, seq, type, payload) VALUES (${creator(n)}, ${n}, 'test', jsonb_build_object('seq', ${n}, 'type', 'test', 'id', 'x'))`,
    ];
  }

  /** Under the lock of the tip, as the real one; and only where there are prices already. */
  private price(): readonly string[] {
    const key = `(1, ${hash(this.any(1))}, 0)`;
    const cents = String(Math.floor(Math.random() * 10_000) / 100);
    const write = `INSERT INTO tip_values (chain_id, tx_hash, ordinal, block_hash, usd, price, source, priced_at)
      SELECT chain_id, tx_hash, ordinal, block_hash, ${cents}, 1, 'peg', now() FROM tips WHERE (chain_id, tx_hash, ordinal) = ${key}
      ON CONFLICT (chain_id, tx_hash, ordinal) DO UPDATE SET usd = excluded.usd`;
    const lock = `SELECT FROM tips WHERE (chain_id, tx_hash, ordinal) = ${key} FOR NO KEY UPDATE`;
    return this.hasPrices ? [lock, write] : [`DO $$ BEGIN PERFORM 1; END $$`];
  }

  private read(): readonly string[] {
    return [`SELECT * FROM tips WHERE wallet = ${wallet(this.any(1))} ORDER BY block_time_ms DESC LIMIT 50`];
  }

  private any(multipleOf: number): string {
    return String(Math.ceil((Math.random() * this.tips) / multipleOf) * multipleOf);
  }
}
