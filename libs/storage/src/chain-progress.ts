import type { BlockHeader, BlockRef, ChainCursor, Lease } from '@droppio/tips';
import { StorageUnavailable } from '@droppio/tips';
import * as z from 'zod';
import { bytesToHex, hexToBytes } from './columns.js';
import type { Database } from './database.js';

const Bytes = z.instanceof(Buffer).transform(bytesToHex);
const Leased = z.object({ epoch: z.coerce.number() });
const Cursor = z
  .object({ number: z.coerce.number(), hash: Bytes, epoch: z.coerce.number() })
  .transform(({ number, hash, epoch }) => ({ number, hash, fence: epoch }));
const WindowBlock = z
  .object({ number: z.coerce.number(), hash: Bytes, parent_hash: Bytes })
  .transform(({ number, hash, parent_hash }) => ({ number, hash, parentHash: parent_hash }));

/*
 * By the database's clock alone. The epoch rises with every change of holder and is never lowered: a released lease keeps its row. Every
 * renewal also raises the cursor's epoch, so a paused leader is fenced off before the new one does anything.
 */
const ACQUIRE = `
WITH lease AS (
  INSERT INTO chain_leases AS l (chain_id, holder, epoch, expires_at)
  VALUES ($1, $2, 1, now() + $3::double precision * interval '1 millisecond')
  ON CONFLICT (chain_id) DO UPDATE SET epoch = l.epoch + (l.holder IS DISTINCT FROM excluded.holder)::int, holder = excluded.holder,
    expires_at = excluded.expires_at
  WHERE l.holder = excluded.holder OR l.expires_at < now() OR $4::boolean
  RETURNING epoch
), fenced AS (
  UPDATE chain_cursors c SET epoch = lease.epoch FROM lease WHERE c.chain_id = $1 AND c.epoch < lease.epoch
)
SELECT epoch FROM lease`;

const RELEASE = `UPDATE chain_leases SET expires_at = '-infinity' WHERE chain_id = $1 AND holder = $2`;

/*
 * A takeover raises the epoch of a cursor that is there. One that comes after it must start with the epoch of whoever leads by then, or the
 * leader before would go on until the next renewal.
 */
const BEGIN = `
WITH lease AS MATERIALIZED (
  SELECT epoch FROM chain_leases WHERE chain_id = $1 FOR SHARE
), cur AS (
  INSERT INTO chain_cursors AS c (chain_id, number, hash, epoch, begun_number)
  VALUES ($1, $2::bigint, $3, greatest($6::bigint, (SELECT epoch FROM lease)), $2::bigint)
  ON CONFLICT (chain_id) DO UPDATE SET epoch = greatest(c.epoch, excluded.epoch)
  RETURNING number, hash, epoch, chain_id
), block AS (
  INSERT INTO chain_blocks (chain_id, hash, number, parent_hash, time_ms, seen_at_ms, canonical)
  SELECT chain_id, hash, number, $4, $5::bigint, floor(extract(epoch FROM now()) * 1000)::bigint, true
  FROM cur WHERE cur.hash = $3 AND cur.number = $2
  ON CONFLICT DO NOTHING
)
SELECT number, hash, epoch FROM cur`;

export const WINDOW = 'SELECT number, hash, parent_hash FROM chain_blocks WHERE chain_id = $1 AND canonical ORDER BY number DESC LIMIT $2';

/** Who leads a chain and how far it has come. */
export class ChainProgress {
  constructor(private readonly database: Database) {}

  async acquire(chainId: number, holder: string, ttlMs: number, force: boolean): Promise<Lease | undefined> {
    const [lease] = await this.database.rows(Leased, ACQUIRE, [chainId, holder, ttlMs, force]);
    return lease && { fence: lease.epoch, expiresInMs: ttlMs };
  }

  async release(chainId: number, holder: string): Promise<void> {
    await this.database.run(RELEASE, [chainId, holder]);
  }

  async cursor(chainId: number): Promise<ChainCursor | undefined> {
    const [cursor] = await this.database.rows(Cursor, 'SELECT number, hash, epoch FROM chain_cursors WHERE chain_id = $1', [chainId]);
    return cursor;
  }

  async begin(chainId: number, block: BlockHeader, fence: number): Promise<ChainCursor> {
    const values = [chainId, block.number, hexToBytes(block.hash), hexToBytes(block.parentHash), block.timestampMs, fence];
    const [cursor] = await this.database.rows(Cursor, BEGIN, values);
    if (cursor === undefined) throw new StorageUnavailable('The first cursor was not stored.');
    return cursor;
  }

  window(chainId: number, limit: number): Promise<readonly (BlockRef & { readonly parentHash: BlockHeader['hash'] })[]> {
    return this.database.rows(WindowBlock, WINDOW, [chainId, Math.min(limit, 10_000)]);
  }
}
