import { Injectable } from '@nestjs/common';
import { ExportTurns } from '@droppio/tips';
import * as z from 'zod';
import { Database } from './database.js';

/** $1 creator, $2 holder, $3 milliseconds. No row: somebody else's. */
const TAKE = `
INSERT INTO export_turns AS t (creator_id, holder, expires_at)
SELECT id, $2, now() + $3::bigint * interval '1 millisecond' FROM creators WHERE id = $1
ON CONFLICT (creator_id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
  WHERE t.holder = excluded.holder OR t.expires_at < now()
RETURNING true AS taken`;

const Taken = z.object({ taken: z.boolean() });

/** Turns as rows: a lock of the session would not pass through a pooler. */
@Injectable()
export class PostgresExportTurns extends ExportTurns {
  constructor(private readonly database: Database) {
    super();
  }

  override async take(creatorId: string, holder: string, ttlMs: number): Promise<boolean> {
    return (await this.database.rows(Taken, TAKE, [creatorId, holder, ttlMs])).length === 1;
  }

  override async end(creatorId: string, holder: string): Promise<void> {
    await this.database.run('DELETE FROM export_turns WHERE creator_id = $1 AND holder = $2', [creatorId, holder]);
  }
}
