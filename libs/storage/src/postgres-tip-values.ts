import { Injectable } from '@nestjs/common';
import { TipValues, type Hex, type TipValuation, type UnvaluedTip } from '@droppio/tips';
import * as z from 'zod';
import { bytesToHex, hexToBytes } from './columns.js';
import { Database } from './database.js';

const Bytes = z.instanceof(Buffer).transform(bytesToHex);
const Unvalued = z
  .object({
    chain_id: z.coerce.number(),
    tx_hash: Bytes,
    ordinal: z.number(),
    token: Bytes,
    amount: z.string().transform(BigInt),
    block_number: z.coerce.number(),
    block_hash: Bytes,
    block_time_ms: z.coerce.number(),
    failures: z.number(),
  })
  .transform((row): UnvaluedTip => ({
    chainId: row.chain_id,
    txHash: row.tx_hash,
    ordinal: row.ordinal,
    token: row.token,
    amount: row.amount,
    blockNumber: row.block_number,
    blockHash: row.block_hash,
    blockTimestampMs: row.block_time_ms,
    failures: row.failures,
  }));
const Noted = z.object({ noted: z.number() });

/** As the index `tips_unvalued` says it. */
const IS_UNVALUED = `t.valued_block IS DISTINCT FROM t.block_hash AND t.state = ANY (ARRAY['confirmed'::text, 'safe'::text, 'finalized'::text])`;
const FACTS = 't.chain_id, t.tx_hash, t.ordinal, t.token, t.amount, t.block_number, t.block_hash, t.block_time_ms';

/** $1 chain, $2 tokens, $3 limit. Tokens without a source stay in the index and are never walked over. */
export const UNVALUED = `
(SELECT f.* FROM unnest($2::bytea[]) AS w(token) CROSS JOIN LATERAL (
  SELECT ${FACTS}, 0 AS failures FROM tips t WHERE t.chain_id = $1 AND t.token = w.token AND ${IS_UNVALUED} ORDER BY t.block_number DESC LIMIT $3
) f ORDER BY f.block_number DESC LIMIT $3)
UNION ALL
(SELECT ${FACTS}, v.failures FROM tip_values v JOIN tips t USING (chain_id, tx_hash, ordinal)
WHERE v.chain_id = $1 AND v.retry_at <= now() AND NOT (${IS_UNVALUED}) ORDER BY v.retry_at LIMIT $3)`;

/*
 * $1 valuations. Rows that somebody holds are left for the next look: this statement waits for nobody, so it is never part of a deadlock with
 * those who store tips. What is held is read anew, so a tip that has just moved to another block keeps nothing of this.
 */
export const NOTE_VALUES = `
WITH input AS (
  SELECT i.chain_id, decode(i.tx_hash, 'hex') AS tx_hash, i.ordinal, decode(i.block_hash, 'hex') AS block_hash, i.usd, i.price, i.source, i.round_id,
    timestamptz 'epoch' + i.priced_at_ms * interval '1 millisecond' AS priced_at, i.unavailable, i.failures,
    now() + i.retry_ms * interval '1 millisecond' AS retry_at
  FROM jsonb_to_recordset($1::jsonb) AS i(chain_id bigint, tx_hash text, ordinal int, block_hash text, usd numeric, price numeric, source text,
    round_id numeric, priced_at_ms bigint, unavailable text, failures int, retry_ms bigint)
), held AS MATERIALIZED (
  SELECT i.* FROM input i JOIN tips t ON (t.chain_id, t.tx_hash, t.ordinal) = (i.chain_id, i.tx_hash, i.ordinal)
  WHERE t.block_hash = i.block_hash FOR NO KEY UPDATE OF t SKIP LOCKED
), marked AS (
  UPDATE tips t SET valued_block = h.block_hash FROM held h WHERE (t.chain_id, t.tx_hash, t.ordinal) = (h.chain_id, h.tx_hash, h.ordinal)
), written AS (
  INSERT INTO tip_values (chain_id, tx_hash, ordinal, block_hash, usd, price, source, round_id, priced_at, unavailable, failures, retry_at)
  SELECT chain_id, tx_hash, ordinal, block_hash, usd, price, source, round_id, priced_at, unavailable, failures, retry_at FROM held
  ON CONFLICT (chain_id, tx_hash, ordinal) DO UPDATE SET block_hash = excluded.block_hash, usd = excluded.usd, price = excluded.price,
    source = excluded.source, round_id = excluded.round_id, priced_at = excluded.priced_at, unavailable = excluded.unavailable,
    failures = excluded.failures, retry_at = excluded.retry_at, created_at = now()
)
SELECT count(*)::int AS noted FROM held`;

/** The worth of tips on Postgres. */
@Injectable()
export class PostgresTipValues extends TipValues {
  constructor(private readonly database: Database) {
    super();
  }

  override unvalued(query: {
    readonly chainId: number;
    readonly tokens: readonly Hex[];
    readonly limit: number;
  }): Promise<readonly UnvaluedTip[]> {
    return this.database.rows(Unvalued, UNVALUED, [query.chainId, query.tokens.map(hexToBytes), query.limit]);
  }

  override async note(valuations: readonly TipValuation[]): Promise<number> {
    if (valuations.length === 0) return 0;
    const [row] = await this.database.rows(Noted, NOTE_VALUES, [JSON.stringify(valuations.map(rowOf))]);
    return row?.noted ?? 0;
  }
}

function rowOf({ chainId, txHash, ordinal, blockHash, outcome }: TipValuation): Record<string, unknown> {
  const key = { chain_id: chainId, tx_hash: txHash.slice(2), ordinal, block_hash: blockHash.slice(2) };
  if ('reason' in outcome)
    return {
      ...key,
      unavailable: outcome.reason,
      failures: outcome.failures,
      retry_ms: outcome.retryMs === undefined ? null : Math.ceil(outcome.retryMs),
    };
  const { usd, price, source, roundId, pricedAtMs } = outcome;
  return { ...key, usd, price, source, round_id: roundId ?? null, priced_at_ms: pricedAtMs, failures: 0 };
}
