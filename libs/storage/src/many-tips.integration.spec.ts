import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import * as z from 'zod';
import { toHex, type Hex, type HistoryQuery } from '@droppio/tips';
import { PostgresWebhookStore } from './postgres-webhook-store.js';
import { openTestStorage, type TestStorage } from './testing/index.js';

/*
 * A million tips of one creator, and what each question about them reads. Counted in rows and pages, not by the clock: those say the same on
 * every machine.
 */
const CREATOR = '11111111-1111-4111-8111-111111111111';
const TIPS = 1_000_000;
const TIPPERS = 200_000;
const START_MS = 1_700_000_000_000;
const STEP_MS = 30_000;
const HOURS = Math.ceil((TIPS * STEP_MS) / 3_600_000);
const word = (text: string, bytes: number): Hex => toHex(`0x${text.repeat(bytes * 2).slice(0, bytes * 2)}`);
const WALLETS = [word('aa', 20), word('ab', 20)] as const;
const TOKEN = word('cc', 20);
const sql = (hex: Hex): string => `'\\x${hex.slice(2)}'::bytea`;

/** What a moderator, or a page with the newest tips, is shown of one; of all others nobody asks here. */
const SEEN = JSON.stringify({
  tipId: '1-0x00-0',
  name: 'Ada',
  from: word('dd', 20),
  amount: { raw: '1', decimals: 6, symbol: 'USDC', chainId: 1, token: TOKEN },
  message: '',
  ref: word('00', 32),
  txHash: word('00', 32),
});

const LOAD = [
  `INSERT INTO creators (id, handle, display_name) SELECT CASE n WHEN 0 THEN '${CREATOR}' ELSE gen_random_uuid() END, 'c-' || n, 'x' FROM generate_series(0, 19999) n`,
  `INSERT INTO creator_wallets (address, creator_id, position) VALUES (${sql(WALLETS[0])}, '${CREATOR}', 0), (${sql(WALLETS[1])}, '${CREATOR}', 1)`,
  `INSERT INTO creator_wallets (address, creator_id, position) SELECT decode(lpad(to_hex(row_number() OVER ()), 40, '0'), 'hex'), id, 0 FROM creators WHERE id <> '${CREATOR}'`,
  // Nine of ten to the first wallet. All final but the last thousand. One of a hundred waits for a person, one was kept back, ten were let through.
  `INSERT INTO tips (chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, display, told_to, state, rev, block_number, block_hash,
     block_time_ms, log_index, valued_block, told, screening)
   SELECT 1, decode(lpad(to_hex(n), 64, '0'), 'hex'), 0, CASE WHEN n % 10 = 0 THEN ${sql(WALLETS[1])} ELSE ${sql(WALLETS[0])} END,
     decode(lpad(to_hex(n * 7919 % ${String(TIPPERS)}), 40, '0'), 'hex'), ${sql(TOKEN)}, n % 1000, '', ${sql(word('00', 32))},
     CASE WHEN n % 100 IN (1, 2) OR n % 10 = 3 OR n > ${String(TIPS - 1000)} THEN '${SEEN}'::jsonb ELSE '{"amount": {"symbol": "USDC", "decimals": 6}}' END, '${CREATOR}', CASE WHEN n > ${String(TIPS - 1000)} THEN 'confirmed' ELSE 'finalized' END, 1, n,
     ${sql(word('bb', 32))}, ${String(START_MS)} + n * ${String(STEP_MS)}, 0, ${sql(word('bb', 32))}, n % 100 NOT IN (1, 2),
     CASE WHEN n % 100 = 1 THEN 'held' WHEN n % 100 = 2 THEN 'rejected' WHEN n % 10 = 3 THEN 'shown' END
   FROM generate_series(1::bigint, ${String(TIPS)}) n`,
  `INSERT INTO tip_sightings SELECT chain_id, tx_hash, log_index, block_number, tx_hash, ordinal, wallet, sender, token, amount, message, ref, 0 FROM tips LIMIT 50000`,
  `INSERT INTO creator_events (creator_id, seq, type, payload) SELECT '${CREATOR}', n, 'tip', jsonb_build_object('seq', n, 'type', 'tip', 'state', 'confirmed', 'rev', 1,
     'id', '1-0x' || lpad(to_hex(n), 64, '0') || '-0') FROM generate_series(1, 50000) n`,
  `UPDATE creator_events SET type = 'control', payload = payload || '{"type": "control", "at": {"seen": 1}, "ttlMs": 1, "d": {"action": "skip"}}'
     WHERE seq BETWEEN 25001 AND 25256`,
  `INSERT INTO tip_values (chain_id, tx_hash, ordinal, block_hash, unavailable) SELECT chain_id, tx_hash, ordinal, block_hash, 'no-answer' FROM tips LIMIT 50000`,
  // Others have sums, too.
  `INSERT INTO tip_totals SELECT address, 1, ${sql(TOKEN)}, 'USDC', 6, 1, 1, 1, 1 FROM creator_wallets WHERE creator_id <> '${CREATOR}'`,
  `INSERT INTO tip_patrons SELECT address, decode(lpad(to_hex(n), 40, '0'), 'hex'), 1, 1, n FROM creator_wallets, generate_series(1, 5) n WHERE creator_id <> '${CREATOR}'`,
  `INSERT INTO tip_buckets SELECT address, ${String(Math.floor(START_MS / 900_000))} + n, 1, ${sql(TOKEN)}, 1, 1, 1, 1 FROM creator_wallets, generate_series(1, 15) n WHERE creator_id <> '${CREATOR}'`,
  `INSERT INTO tip_totals SELECT w, 1, ${sql(TOKEN)}, 'USDC', 6, 1, 1, 1, 1 FROM unnest(ARRAY[${WALLETS.map(sql).join(', ')}]) w`,
  `INSERT INTO tip_buckets SELECT ${sql(WALLETS[0])}, ${String(Math.floor(START_MS / 900_000))} + n, 1, ${sql(TOKEN)}, 1, 1, 1, 1 FROM generate_series(1, 50000) n`,
  `INSERT INTO tip_tippers SELECT ${sql(WALLETS[0])}, 1, ${sql(TOKEN)}, decode(lpad(to_hex(n), 40, '0'), 'hex'), 1, n, 1, n FROM generate_series(1, ${String(TIPPERS)}) n`,
  `INSERT INTO tip_patrons SELECT ${sql(WALLETS[0])}, decode(lpad(to_hex(n), 40, '0'), 'hex'), 1, 1, n FROM generate_series(1, ${String(TIPPERS)}) n`,
  `INSERT INTO creator_streams (creator_id, epoch) SELECT id, 'epoch-01' FROM creators`,
  `INSERT INTO widget_sums SELECT '${CREATOR}', 'hour', ${String(Math.floor(START_MS / 3_600_000))} + n, 1, ${sql(TOKEN)}, '', 120, 1 FROM generate_series(1, ${String(HOURS)}) n`,
  `INSERT INTO widget_sums SELECT '${CREATOR}', 'all', 0, 1, ${sql(TOKEN)}, decode(lpad(to_hex(n), 40, '0'), 'hex'), 1, n FROM generate_series(1, ${String(TIPPERS)}) n`,
  `INSERT INTO widget_sums SELECT id, 'hour', n, 1, ${sql(TOKEN)}, '', 1, 1 FROM creators, generate_series(1, 5) n WHERE id <> '${CREATOR}'`,
  `INSERT INTO widget_notes (creator_id, chain_id, token, sender, block_time_ms, tips, amount, priced, usd)
   SELECT id, 1, ${sql(TOKEN)}, ${sql(TOKEN)}, 1, 1, 1, 1, 1 FROM creators WHERE id <> '${CREATOR}'`,
  `INSERT INTO widget_notes (creator_id, chain_id, token, sender, block_time_ms, tips, amount, priced, usd)
   SELECT '${CREATOR}', 1, ${sql(TOKEN)}, decode(lpad(to_hex(n), 40, '0'), 'hex'), ${String(START_MS)}, 1, n, 1, 1 FROM generate_series(1, 300) n`,
  // What else is listed: much of it this creator's, and more of others.
  `INSERT INTO overlays (id, creator_id, name, config) SELECT gen_random_uuid(), id, 'x', '{"schemaVersion": 1}' FROM creators`,
  `INSERT INTO overlays (id, creator_id, name, config) SELECT gen_random_uuid(), '${CREATOR}', 'x', '{"schemaVersion": 1}' FROM generate_series(1, 99)`,
  `INSERT INTO access_tokens (creator_id, hash) SELECT id, sha256(id::text::bytea) FROM creators`,
  `INSERT INTO access_tokens (creator_id, hash) SELECT '${CREATOR}', sha256(n::text::bytea) FROM generate_series(1, 49) n`,
  `INSERT INTO sessions (id, secret_hash, creator_id, agent, idle_ms, expires_at) SELECT gen_random_uuid(), sha256(id::text::bytea), id, 'x', 60000,
     now() + interval '1 day' FROM creators`,
  `INSERT INTO audit_entries SELECT gen_random_uuid(), CASE WHEN n % 4 > 0 THEN '${CREATOR}'::uuid END, now() - n * interval '1 second', 'token', NULL,
     'op' || n % 50, '{}', 'done', NULL, 'request', NULL FROM generate_series(1, 100000) n`,
  `INSERT INTO webhooks (id, creator_id, url, description, types, secret, cursor) SELECT id, id, 'https://x.example.com/', '', '{}', '\\x00000001', 20 FROM creators`,
  `INSERT INTO webhook_deliveries (id, webhook_id, seq, event_id, type, event_at, state, next_at, created_at, delivered_at)
     SELECT gen_random_uuid(), '${CREATOR}', n, 'e', 't',
     now(), CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'delivered' END, NULL, now(), CASE WHEN n % 1000 > 0 THEN now() END FROM generate_series(1, 100000) n`,
];

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string | undefined;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number | undefined;
  readonly 'Rows Removed by Index Recheck'?: number | undefined;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Plan[] | undefined;
}
const Plan: z.ZodType<Plan> = z.lazy(() =>
  z.object({
    'Node Type': z.string(),
    'Relation Name': z.string().optional(),
    'Actual Rows': z.number(),
    'Actual Loops': z.number(),
    'Rows Removed by Filter': z.number().optional(),
    'Rows Removed by Index Recheck': z.number().optional(),
    'Shared Hit Blocks': z.number(),
    'Shared Read Blocks': z.number(),
    Plans: z.array(Plan).optional(),
  }),
);
const Explained = z.tuple([z.object({ 'QUERY PLAN': z.tuple([z.object({ Plan })]) })]);

/** A call of the driver: text and values, or both under the name of a plan. */
const Asked = z.union([
  z
    .tuple([z.object({ text: z.string(), values: z.array(z.unknown()) })])
    .rest(z.unknown())
    .transform(([named]) => named),
  z
    .tuple([z.string(), z.array(z.unknown()).optional()])
    .rest(z.unknown())
    .transform(([text, values = []]) => ({ text, values })),
]);

const nodesOf = (plan: Plan): readonly Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

interface Cost {
  readonly rows: number;
  readonly pages: number;
  readonly wholeTables: readonly string[];
}

function costOf(plan: Plan): Cost {
  const scans = nodesOf(plan).filter((node) => node['Relation Name'] !== undefined);
  const rows = scans.map(
    (node) =>
      (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) * node['Actual Loops'],
  );
  return {
    rows: rows.reduce((sum, some) => sum + some, 0),
    pages: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
    wholeTables: scans.filter((node) => node['Node Type'].includes('Seq Scan')).map((node) => node['Relation Name'] ?? ''),
  };
}

describe('a million tips of one creator', () => {
  let storage: TestStorage;

  beforeAll(async () => {
    storage = await openTestStorage(inject('postgresUrl'));
    const client = new Client({ connectionString: storage.url });
    await client.connect();
    // Faster by half: indexes are built once all is there, and what triggers would do is loaded.
    const { rows } = await client.query<{ indexname: string; indexdef: string }>(
      `SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'tips' AND indexname <> 'tips_pkey'`,
    );
    await client.query(`SET session_replication_role = replica; DROP INDEX ${rows.map(({ indexname }) => indexname).join(', ')}`);
    for (const statement of LOAD) await client.query(statement);
    for (const { indexdef } of rows) await client.query(indexdef);
    await client.query('VACUUM ANALYZE');
    await client.end();
  }, 120_000);
  afterAll(async () => {
    await storage.drop();
  });

  /** What the statements behind a call read, all together. */
  async function reading(call: () => Promise<unknown>): Promise<Cost> {
    const spy = vi.spyOn(storage.database, 'rows');
    await call();
    const statements = spy.mock.calls.map(([, text, values = []]) => ({ text, values: [...values] }));
    spy.mockRestore();
    return costOfAll(statements);
  }

  /** The same below everything, so that what an ORM writes is seen, too. */
  async function readingBelow(call: () => Promise<unknown>): Promise<Cost> {
    const spy = vi.spyOn(Client.prototype, 'query');
    await call();
    const asked = z.array(Asked).parse(spy.mock.calls);
    spy.mockRestore();
    return costOfAll(asked.filter(({ text }) => /^\s*(SELECT|WITH)\s/.test(text)));
  }

  async function costOfAll(statements: readonly { readonly text: string; readonly values: readonly unknown[] }[]): Promise<Cost> {
    const costs: Cost[] = [];
    for (const { text, values } of statements) {
      const explained: unknown = await storage.database.source.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, [...values]);
      costs.push(costOf(Explained.parse(explained)[0]['QUERY PLAN'][0].Plan));
    }
    expect(costs.length).toBeGreaterThan(0);
    return {
      rows: costs.reduce((sum, { rows }) => sum + rows, 0),
      pages: costs.reduce((sum, { pages }) => sum + pages, 0),
      wholeTables: costs.flatMap(({ wholeTables }) => wholeTables),
    };
  }

  const list = (query: Partial<HistoryQuery>) => reading(() => storage.archive.list({ creatorId: CREATOR, limit: 50, ...query }));
  const token = { chainId: 1, address: TOKEN };
  const middle = START_MS + (TIPS / 2) * STEP_MS;

  it.each<[string, Partial<HistoryQuery>]>([
    ['the first page', {}],
    ['one wallet', { filter: { wallet: WALLETS[1] } }],
    ['a day in the middle', { filter: { fromMs: middle, beforeMs: middle + 86_400_000 } }],
    ['a time before all', { filter: { beforeMs: START_MS } }],
    ['a wallet of another', { filter: { wallet: word('ef', 20) } }],
  ])('answers for %s from the page alone', async (_what, query) => {
    const cost = await list(query);
    expect(cost.wholeTables).toEqual([]);
    expect(cost.rows).toBeLessThan(350);
    expect(cost.pages).toBeLessThan(700);
  });

  it.each<[string, HistoryQuery['filter'] & object]>([
    ['an unknown sender', { sender: word('ef', 20) }],
    ['another chain', { chainId: 2 }],
    ['an unknown token', { token: { chainId: 1, address: word('ef', 20) } }],
    ['a minimum that nobody reached', { token, minimum: 10n ** 30n }],
    ['a state that none is in', { states: ['dropped'] }],
    [
      'everything at once',
      { sender: word('ef', 20), token, minimum: 1n, states: ['safe', 'lost'], chainId: 1, fromMs: START_MS, beforeMs: middle },
    ],
  ])('looks for %s among a bounded number of tips', async (_what, filter) => {
    const first = await storage.archive.list({ creatorId: CREATOR, limit: 50, filter });
    expect(first).toEqual({ tips: [], next: expect.any(String) as unknown });
    for (const cursor of [undefined, first.next]) {
      const cost = await list({ filter, ...(cursor === undefined ? {} : { cursor }) });
      expect(cost.wholeTables).toEqual([]);
      // 5000 of each of two wallets, by the index and then themselves.
      expect(cost.rows).toBeLessThan(20_100);
      expect(cost.pages).toBeLessThan(12_000);
    }
  });

  it('goes on in the middle as it began, with a filter that many fit', async () => {
    const filter = { states: ['finalized' as const], beforeMs: middle };
    const { next = '' } = await storage.archive.list({ creatorId: CREATOR, limit: 50, filter });
    const cost = await list({ filter, cursor: next });
    expect(cost.wholeTables).toEqual([]);
    expect(cost.rows).toBeLessThan(20_100);
  });

  it('exports a thousand at a time', async () => {
    const cost = await list({ limit: 1000, filter: { beforeMs: middle } });
    expect(cost.wholeTables).toEqual([]);
    expect(cost.rows).toBeLessThan(4000);
  });

  describe('and what else its dashboard lists', () => {
    const paged = async (read: (cursor?: string) => Promise<{ readonly next?: string }>): Promise<Cost[]> => {
      const { next } = await read();
      return [await readingBelow(() => read()), await readingBelow(() => read(next))];
    };
    const at = (cursor?: string) => ({ creatorId: CREATOR, limit: 50, ...(cursor !== undefined && { cursor }) });
    let webhooks: PostgresWebhookStore;

    beforeAll(() => {
      webhooks = new PostgresWebhookStore(storage.database);
    });

    it.each<[string, (cursor?: string) => Promise<{ readonly next?: string }>]>([
      ['alerts that are held', (cursor) => storage.moderation.alerts({ ...at(cursor), screening: 'held' })],
      ['alerts that were rejected', (cursor) => storage.moderation.alerts({ ...at(cursor), screening: 'rejected' })],
      ['alerts that were let through', (cursor) => storage.moderation.alerts({ ...at(cursor), screening: 'shown' })],
      ['the audit log', (cursor) => storage.audit.entries(at(cursor))],
      ['the audit log of an operation', (cursor) => storage.audit.entries({ ...at(cursor), operation: 'op7' })],
      ['deliveries', (cursor) => webhooks.deliveries({ ...at(cursor), webhookId: CREATOR })],
      ['deliveries that failed', (cursor) => webhooks.deliveries({ ...at(cursor), webhookId: CREATOR, state: 'failed' })],
    ])('reads %s page by page', async (_what, read) => {
      for (const cost of await paged(read)) {
        expect(cost.wholeTables).toEqual([]);
        expect(cost.rows).toBeLessThan(120);
        expect(cost.pages).toBeLessThan(300);
      }
    });

    it.each<[string, () => Promise<readonly unknown[]>, number]>([
      ['events after a place', () => storage.ledger.eventsAfter(CREATOR, 25_000, 256), 256],
      ['overlays', () => storage.directory.overlays(CREATOR), 100],
      ['webhooks', () => webhooks.webhooks(CREATOR), 1],
      ['access tokens', () => storage.tokens.list(CREATOR), 50],
      ['sessions', () => storage.signIn.sessions(CREATOR), 1],
      ['wallets', () => storage.wallets.of(CREATOR), 2],
    ])('reads %s and none of others', async (_what, read, count) => {
      expect(await read()).toHaveLength(count);
      const cost = await readingBelow(read);
      expect(cost.wholeTables).toEqual([]);
      expect(cost.rows).toBeLessThanOrEqual(2 * count);
    });
  });

  it('proves one of them', async () => {
    const key = { chainId: 1, txHash: toHex(`0x${(5000).toString(16).padStart(64, '0')}`), ordinal: 0 };
    expect(await storage.archive.proof(CREATOR, key)).toMatchObject({ sightings: { length: 1 }, tellings: { length: 1 } });
    const cost = await reading(() => storage.archive.proof(CREATOR, key));
    expect(cost.wholeTables).toEqual([]);
    expect(cost.rows).toBeLessThan(10);
    expect(cost.pages).toBeLessThan(50);
  });

  it('feeds the widgets of a page from sums and the newest tips', async () => {
    const counted = { chainId: 1, token: TOKEN };
    const whole = await reading(() => storage.board.goal(CREATOR, counted, 0));
    expect(whole.wholeTables).toEqual([]);
    expect(whole.rows).toBeLessThan(HOURS + 1000);
    // The hour that it begins in, tip by tip.
    const part = await reading(() => storage.board.goal(CREATOR, counted, middle + 1));
    expect(part.rows).toBeLessThan(HOURS / 2 + 1200);
    const dollars = await reading(() => storage.board.goal(CREATOR, 'usd', middle + 1));
    expect(dollars.wholeTables).toEqual([]);
    expect(dollars.rows).toBeLessThan(HOURS + 1500);
    const ticker = await reading(() => storage.board.ticker(CREATOR, 50));
    expect(ticker.wholeTables.filter((table) => table !== 'moderation_rules')).toEqual([]);
    expect(ticker.rows).toBeLessThan(110);
    const top = await reading(() => storage.board.top(CREATOR, counted, 'all', 100));
    expect(top.wholeTables.filter((table) => table !== 'moderation_rules')).toEqual([]);
    // The notes, a sum of each sender in them, and the first ones.
    expect(top.rows).toBeLessThan(3 * 300 + 500);
  });

  it('sums them up without looking at any of them', async () => {
    const day = (n: number): string => new Date(START_MS + n * 86_400_000).toISOString().slice(0, 10);
    const summary = await reading(() => storage.stats.summary(CREATOR));
    expect(summary.wholeTables).toEqual([]);
    expect(summary.rows).toBeLessThan(TIPPERS + 20);
    const series = await reading(() =>
      storage.stats.series({ creatorId: CREATOR, from: day(0), to: day(399), timeZone: 'Asia/Kathmandu' }),
    );
    expect(series.wholeTables.filter((table) => table !== 'tip_totals')).toEqual([]);
    expect(series.rows).toBeLessThan(400 * 96 + 20);
    const week = await reading(() => storage.stats.series({ creatorId: CREATOR, from: day(9), to: day(15), timeZone: 'UTC' }));
    // Each with a look at its token.
    expect(week.rows).toBeLessThan(2 * 7 * 96 + 20);
    for (const asked of [{ token: { chainId: 1, token: TOKEN } }, {}]) {
      const top = await reading(() => storage.stats.top({ creatorId: CREATOR, limit: 100, ...asked }));
      expect(top.wholeTables).toEqual([]);
      expect(top.rows).toBeLessThan(3000);
    }
  });
});
