import pg from 'pg';

export const CHAIN_ID = 8453;
/** A tip every ten seconds, the newest now. */
const EVERY_MS = 10_000;
const BATCH = 100_000;
const COIN = `'\\x${'00'.repeat(20)}'::bytea`;
/** One tip in ten is of another token. */
export const TOKEN = `0x${'11'.repeat(20)}`;

/** Hash of the n-th tip of a wallet. */
const HASH = `sha256(($1::text || n)::bytea)`;

const TIPS = `
INSERT INTO tips (chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, display, state, rev, block_number, block_hash, block_time_ms, log_index)
SELECT ${String(CHAIN_ID)}, ${HASH}, 0, decode(substr($1, 3), 'hex'), substring(sha256(('from' || n % 5000)::bytea) FROM 1 FOR 20),
  CASE WHEN n % 10 = 0 THEN decode(repeat('11', 20), 'hex') ELSE ${COIN} END, (n % 1000 + 1) * 10::numeric ^ 15, 'tip number ' || n, decode(repeat('00', 32), 'hex'),
  jsonb_build_object('amount', jsonb_build_object('symbol', CASE WHEN n % 10 = 0 THEN 'USDC' ELSE 'ETH' END, 'decimals', 18)),
  'finalized', 1, n, sha256(('block' || n)::bytea), $4::bigint - n * ${String(EVERY_MS)}::bigint, 0
FROM generate_series($2::int, $3::int) n`;

/** Tips of the past, as the ledger would hold them once they are final. */
export async function fillTips(databaseUrl: string, tips: readonly { readonly wallet: string; readonly count: number }[]): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const now = Date.now();
    for (const { wallet, count } of tips) {
      for (let from = 1; from <= count; from += BATCH) await client.query(TIPS, [wallet, from, Math.min(count, from + BATCH - 1), now]);
    }
    await client.query('VACUUM (ANALYZE)');
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}
