import { Injectable } from '@nestjs/common';
import { Conflict, CreatorWallets, NotFound, WalletLimit, WALLETS_MAX, type CreatorWallet, type Hex } from '@droppio/tips';
import * as z from 'zod';
import { bytesToHex, hexToBytes } from './columns.js';
import { Database, type Sql } from './database.js';
import { isId } from './event-log.js';

const Wallet = z
  .object({ address: z.instanceof(Buffer), created_at: z.date(), proven_on: z.coerce.number().nullable() })
  .transform(({ address, created_at, proven_on }): CreatorWallet => ({
    address: bytesToHex(address),
    addedAt: created_at,
    ...(proven_on !== null && { provenOn: proven_on }),
  }));
const Place = z.object({ position: z.number() });
const Id = z.object({ id: z.string() });

/** Whoever changes the wallets of a creator waits here: how many there are is counted by the statement after this one. */
const LOCK = 'SELECT id FROM creators WHERE id = $1 FOR NO KEY UPDATE';
export const WALLETS_OF = 'SELECT address, created_at, proven_on FROM creator_wallets WHERE creator_id = $1 ORDER BY position';
const PLACES = 'SELECT position FROM creator_wallets WHERE creator_id = $1 ORDER BY position';
/** $1 creator, $2 address, $3 place, $4 chain whose contract has signed or null. No row: another creator has it. */
const ADD = `
INSERT INTO creator_wallets (creator_id, address, position, proven_on) VALUES ($1, $2, $3, $4) ON CONFLICT (address) DO NOTHING
RETURNING address, created_at, proven_on`;
const PROVE = `
WITH proven AS (
  UPDATE creator_wallets SET proven_on = $3 WHERE creator_id = $1 AND address = $2 RETURNING address, created_at, proven_on
) SELECT * FROM proven`;
/** What the wallet has received stays the account's past: whoever deletes the account means that, too. */
const REMOVE = `
WITH gone AS (
  DELETE FROM creator_wallets WHERE creator_id = $1 AND address = $2 RETURNING creator_id, address, position
), noted AS (
  INSERT INTO former_wallets (creator_id, address) SELECT creator_id, address FROM gone
  ON CONFLICT (creator_id, address) DO UPDATE SET unlinked_at = excluded.unlinked_at
)
SELECT position FROM gone`;
/** $1 creator, $2 the session that stays. A statement after `REMOVE`: a sign-in that was holding on to the wallet has opened its session by then. */
const END_SESSIONS = 'DELETE FROM sessions WHERE creator_id = $1 AND id IS DISTINCT FROM $2::uuid';

@Injectable()
export class PostgresCreatorWallets extends CreatorWallets {
  constructor(private readonly database: Database) {
    super();
  }

  override async of(creatorId: string): Promise<readonly CreatorWallet[]> {
    return isId(creatorId) ? this.database.rows(Wallet, WALLETS_OF, [creatorId]) : [];
  }

  override add(creatorId: string, wallet: Hex, provenOn?: number): Promise<CreatorWallet> {
    return this.locked(creatorId, async (sql) => {
      const mine = (await sql.rows(Wallet, WALLETS_OF, [creatorId])).find(({ address }) => address === wallet);
      if (mine !== undefined) {
        const [proven] = provenOn === undefined ? [] : await sql.rows(Wallet, PROVE, [creatorId, hexToBytes(wallet), provenOn]);
        return proven ?? mine;
      }
      const places = await sql.rows(Place, PLACES, [creatorId]);
      if (places.length >= WALLETS_MAX) throw new WalletLimit(`A creator may have ${String(WALLETS_MAX)} wallets.`);
      const next = (places.at(-1)?.position ?? 0) + 1;
      const [added] = await sql.rows(Wallet, ADD, [creatorId, hexToBytes(wallet), next, provenOn ?? null]);
      if (added === undefined) throw new Conflict('The wallet belongs to another creator.');
      return added;
    });
  }

  override remove(creatorId: string, wallet: Hex, keptSessionId?: string): Promise<void> {
    return this.locked(creatorId, async (sql) => {
      const gone = await sql.rows(Place, REMOVE, [creatorId, hexToBytes(wallet)]);
      if (gone.length === 0) throw new NotFound('There is no such wallet.');
      if ((await sql.rows(Place, PLACES, [creatorId])).length === 0) throw new WalletLimit('The last wallet stays.');
      await sql.run(END_SESSIONS, [creatorId, keptSessionId ?? null]);
    });
  }

  private locked<T>(creatorId: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    if (!isId(creatorId)) return Promise.reject(noCreator());
    return this.database.transaction(async (sql) => {
      if ((await sql.rows(Id, LOCK, [creatorId])).length === 0) throw noCreator();
      return work(sql);
    });
  }
}

const noCreator = (): NotFound => new NotFound('There is no such creator.');
