/** Every sum that is kept, as text, beside the same counted anew from the tips. */
const KEPT_AND_COUNTED = `
WITH final AS (
  SELECT t.*, (t.block_time_ms / 900000)::int AS bucket, v.usd
  FROM tips t LEFT JOIN tip_values v ON (v.chain_id, v.tx_hash, v.ordinal, v.block_hash) = (t.chain_id, t.tx_hash, t.ordinal, t.block_hash)
  WHERE t.state = 'finalized' AND t.display IS NOT NULL
), kept AS (
  SELECT 'total', wallet, chain_id, token, NULL::int, NULL::bytea, tips, amount, priced, usd FROM tip_totals
  UNION ALL SELECT 'bucket', wallet, chain_id, token, bucket, NULL, tips, amount, priced, usd FROM tip_buckets
  UNION ALL SELECT 'tipper', wallet, chain_id, token, NULL, sender, tips, amount, priced, usd FROM tip_tippers
  UNION ALL SELECT 'patron', wallet, NULL, NULL, NULL, sender, tips, NULL, priced, usd FROM tip_patrons
), counted AS (
  SELECT 'total', wallet, chain_id, token, NULL::int, NULL::bytea, count(*), sum(amount), count(usd), coalesce(sum(usd), 0) FROM final GROUP BY 2, 3, 4
  UNION ALL SELECT 'bucket', wallet, chain_id, token, bucket, NULL, count(*), sum(amount), count(usd), coalesce(sum(usd), 0) FROM final GROUP BY 2, 3, 4, 5
  UNION ALL SELECT 'tipper', wallet, chain_id, token, NULL, sender, count(*), sum(amount), count(usd), coalesce(sum(usd), 0) FROM final GROUP BY 2, 3, 4, 6
  UNION ALL SELECT 'patron', wallet, NULL, NULL, NULL, sender, count(*), NULL, count(usd), coalesce(sum(usd), 0) FROM final GROUP BY 2, 6
)`;

/** None, when every final tip is in the sums once. `row`: a text. */
export const SUMS_THAT_DIFFER = `${KEPT_AND_COUNTED}
SELECT 'kept ' || (k.*)::text AS row FROM (TABLE kept EXCEPT ALL TABLE counted) k
UNION ALL SELECT 'counted ' || (c.*)::text FROM (TABLE counted EXCEPT ALL TABLE kept) c`;
