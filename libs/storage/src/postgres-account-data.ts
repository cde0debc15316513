import { Injectable } from '@nestjs/common';
import { AccountData, Clock, NotFound, type GoneAccount, type TipKey } from '@droppio/tips';
import * as z from 'zod';
import { ACCOUNT_SECTIONS, sectionStatement } from './account-sections.js';
import { Database, type Sql } from './database.js';
import { isId } from './event-log.js';
import { eraseMessage } from './message-eraser.js';

const ROWS_AT_ONCE = 500;
const GOING_AT_ONCE = 2000;

const Row = z.object({ json: z.string(), place: z.array(z.string()) });
const Stream = z.object({ epoch: z.string(), head: z.coerce.number() });
const Count = z.object({ count: z.number() });

const goingFrom = (table: string, key: string, which = 'true'): string => `
WITH due AS MATERIALIZED (
  SELECT creator_id, ${key} FROM ${table} WHERE creator_id = $1 AND ${which} LIMIT $2
), gone AS (DELETE FROM ${table} t USING due WHERE t.creator_id = due.creator_id AND t.${key} = due.${key})
SELECT count(*)::int AS count FROM due`;
/** An account that is deleted half way is still one: it may lose what it has told, never what it has yet to tell. */
const IS_TOLD = `seq <= least((SELECT published FROM creator_streams WHERE creator_id = $1),
    (SELECT min(cursor) FROM webhooks WHERE creator_id = $1 AND disabled_reason IS NULL))`;
/** What a busy account has so much of that a cascade would take long; the rest goes with its creator. */
const PLENTY = [goingFrom('creator_events', 'seq', IS_TOLD), goingFrom('audit_entries', 'id')];

/** The wallets must be read, and the account noted as gone, before the cascade takes them: in the order of these. */
const NOTE_WALLETS = `
INSERT INTO erased_wallets (address) SELECT address FROM creator_wallets WHERE creator_id = $1
ON CONFLICT (address) DO UPDATE SET erased_at = now(), due_at = now(), place = NULL, is_former = false`;
/** Up to a minute after it left: a block may have been on its way. What is to go of a wallet anyway is not made less. */
const NOTE_FORMER_WALLETS = `
INSERT INTO erased_wallets AS e (address, erased_at, is_former)
SELECT address, unlinked_at + interval '1 minute', true FROM former_wallets WHERE creator_id = $1
ON CONFLICT (address) DO UPDATE SET erased_at = greatest(e.erased_at, excluded.erased_at), due_at = now(), place = NULL,
  is_former = e.is_former`;
const NOTE_ACCOUNT = `
INSERT INTO erased_accounts (creator_id, epoch, head) VALUES ($1, $2, $3::bigint)
ON CONFLICT (creator_id) DO UPDATE SET epoch = excluded.epoch, head = excluded.head`;

@Injectable()
export class PostgresAccountData extends AccountData {
  readonly sections = Object.keys(ACCOUNT_SECTIONS);

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async *rows(creatorId: string, section: string): AsyncIterable<readonly string[]> {
    const found = ACCOUNT_SECTIONS[section];
    if (found === undefined) throw new NotFound('An account has no such part.');
    if (!isId(creatorId)) return;
    for (let place: readonly string[] = []; ;) {
      const statement = sectionStatement(found, place.length === 0);
      const rows = await this.database.rows(Row, statement, [creatorId, ROWS_AT_ONCE, ...place]);
      if (rows.length > 0) yield rows.map(({ json }) => json);
      const last = rows.at(-1);
      if (rows.length < ROWS_AT_ONCE || last === undefined) return;
      place = last.place;
    }
  }

  override async remove(creatorId: string): Promise<GoneAccount | undefined> {
    if (!isId(creatorId)) return undefined;
    for (const statement of PLENTY) {
      let going = GOING_AT_ONCE;
      while (going === GOING_AT_ONCE) going = (await this.database.rows(Count, statement, [creatorId, GOING_AT_ONCE]))[0]?.count ?? 0;
    }
    return this.database.transaction((sql) => this.removeAll(sql, creatorId));
  }

  override eraseMessage(creatorId: string, tip: TipKey): Promise<boolean> {
    return isId(creatorId) ? eraseMessage(this.database, creatorId, tip, this.clock.now()) : Promise.resolve(false);
  }

  /** The stream is locked first, as by whoever tells: its head is the last there will be. */
  private async removeAll(sql: Sql, creatorId: string): Promise<GoneAccount | undefined> {
    const [stream] = await sql.rows(Stream, 'SELECT epoch, head FROM creator_streams WHERE creator_id = $1 FOR UPDATE', [creatorId]);
    if (stream === undefined) return undefined;
    await sql.run(NOTE_WALLETS, [creatorId]);
    await sql.run(NOTE_FORMER_WALLETS, [creatorId]);
    await sql.run(NOTE_ACCOUNT, [creatorId, stream.epoch, stream.head]);
    await sql.run('DELETE FROM creators WHERE id = $1', [creatorId]);
    return { creatorId, position: { epoch: stream.epoch, seq: stream.head } };
  }
}
