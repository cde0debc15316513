/** Sums as text: they outgrow every number of JavaScript. Dollars with all their eight digits. */
const SUMS = 'sum(s.tips)::text AS tips, sum(s.priced)::text AS priced, sum(s.usd)::numeric(78,8)::text AS usd';

/** $1 creator. A row for each token of each wallet is kept, so there is next to nothing to read. */
export const TOTALS = `
SELECT s.chain_id, s.token, max(s.symbol) AS symbol, max(s.decimals) AS decimals, sum(s.amount)::text AS amount, ${SUMS}
FROM creator_wallets w JOIN tip_totals s ON s.wallet = w.address
WHERE w.creator_id = $1
GROUP BY s.chain_id, s.token ORDER BY sum(s.tips) DESC, s.chain_id, s.token`;

/** $1 creator. One entry of an index for each tipper of each wallet, and never those of others: hence the order within. */
export const TIPPERS = `
SELECT count(DISTINCT s.sender)::int AS tippers
FROM creator_wallets w CROSS JOIN LATERAL (SELECT sender FROM tip_patrons p WHERE p.wallet = w.address ORDER BY p.sender) s
WHERE w.creator_id = $1`;

/*
 * $1 creator, $2 first day, $3 last day, $4 time zone, $5 chain, $6 token, these two or none. Days begin at midnight there, however long they
 * are; at most 96 rows a day, wallet and token.
 */
export const SERIES = `
SELECT to_char(to_timestamp(s.bucket * 900::double precision) AT TIME ZONE $4, 'YYYY-MM-DD') AS day, s.chain_id, s.token,
  max(k.symbol) AS symbol, max(k.decimals) AS decimals, sum(s.amount)::text AS amount, ${SUMS}
FROM creator_wallets w JOIN tip_buckets s ON s.wallet = w.address
  JOIN tip_totals k ON (k.wallet, k.chain_id, k.token) = (s.wallet, s.chain_id, s.token)
WHERE w.creator_id = $1
  AND s.bucket >= floor(extract(epoch FROM $2::date::timestamp AT TIME ZONE $4) / 900)::int
  AND s.bucket < ceil(extract(epoch FROM ($3::date + 1)::timestamp AT TIME ZONE $4) / 900)::int
  AND ($5::bigint IS NULL OR (s.chain_id = $5 AND s.token = $6::bytea))
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;

interface Ranked {
  readonly table: string;
  /** What is ranked by; indexed behind the wallet, largest first, then by sender. */
  readonly by: string;
  /** Which rows of a wallet. */
  readonly where: string;
  readonly amount: string;
}

/*
 * $1 creator, $2 limit, $3 how many of each wallet are looked at. Who is among the first over all wallets is among the first of one of them,
 * or unlucky: somebody behind all of those that are looked at can have no more than the last ones of each wallet together ("floor"). As long
 * as the last that is told of has more than that, nobody is missing; else the same is asked again with more of each wallet.
 */
function topStatement({ table, by, where, amount }: Ranked): string {
  return `
WITH heads AS MATERIALIZED (
  SELECT w.address, h.sender, h.rank FROM creator_wallets w CROSS JOIN LATERAL (
    SELECT sender, ${by} AS rank FROM ${table} s WHERE s.wallet = w.address AND ${where} ORDER BY ${by} DESC, sender LIMIT $3
  ) h WHERE w.creator_id = $1
), floors AS (
  SELECT coalesce(sum(CASE WHEN n = $3 THEN least ELSE 0 END), 0) AS floor, count(*) AS wallets
  FROM (SELECT count(*) AS n, min(rank) AS least FROM heads GROUP BY address) f
), known AS (
  SELECT c.sender, ${amount} AS amount, sum(s.${by}) AS rank, ${SUMS}
  FROM (SELECT DISTINCT sender FROM heads) c CROSS JOIN creator_wallets w CROSS JOIN LATERAL (
    SELECT * FROM ${table} s WHERE s.wallet = w.address AND s.sender = c.sender AND ${where} LIMIT 1
  ) s
  WHERE w.creator_id = $1 GROUP BY c.sender
)
SELECT k.sender, k.amount, k.tips, k.priced, k.usd, f.floor = 0 OR f.wallets = 1 OR k.rank > f.floor AS is_certain
FROM known k CROSS JOIN floors f ORDER BY k.rank DESC, k.sender LIMIT $2`;
}

/** And $4 chain, $5 token. */
export const TOP_BY_TOKEN = topStatement({
  table: 'tip_tippers',
  by: 'amount',
  where: 's.chain_id = $4 AND s.token = $5',
  amount: 'sum(s.amount)::text',
});
export const TOP_BY_USD = topStatement({ table: 'tip_patrons', by: 'usd', where: 's.priced > 0', amount: 'NULL::text' });
