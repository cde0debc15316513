import pg from 'pg';

/*
 * Watches the cursor from inside the database, whatever the final state may look like: who moved it, and whether the block stood on it.
 * Every process connects under a role of its own, so that a commit names its author.
 */
const AUDIT = `
CREATE TABLE chaos_epochs (chain_id bigint, epoch bigint, author text, PRIMARY KEY (chain_id, epoch));
CREATE TABLE chaos_offences (chain_id bigint, what text, detail text);
CREATE FUNCTION chaos_note_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO chaos_epochs VALUES (NEW.chain_id, NEW.epoch, current_user) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE FUNCTION chaos_judge_move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE leader text;
BEGIN
  SELECT author INTO leader FROM chaos_epochs WHERE chain_id = NEW.chain_id ORDER BY epoch DESC LIMIT 1;
  IF leader IS DISTINCT FROM current_user::text THEN
    INSERT INTO chaos_offences VALUES (NEW.chain_id, 'zombie', format('%s moved the cursor to %s while %s led', current_user, NEW.number, leader));
  END IF;
  IF NEW.number > OLD.number AND NOT EXISTS (
    SELECT FROM chain_blocks b WHERE b.chain_id = NEW.chain_id AND b.hash = NEW.hash AND b.number = OLD.number + 1 AND b.parent_hash = OLD.hash) THEN
    INSERT INTO chaos_offences VALUES (NEW.chain_id, 'unlinked', format('block %s was committed on a block that is not its parent', NEW.number));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_epoch AFTER INSERT OR UPDATE OF epoch ON chain_leases FOR EACH ROW EXECUTE FUNCTION chaos_note_epoch();
CREATE TRIGGER chaos_move AFTER UPDATE ON chain_cursors FOR EACH ROW
  WHEN ((OLD.number, OLD.hash, OLD.safe_number, OLD.finalized_number) IS DISTINCT FROM (NEW.number, NEW.hash, NEW.safe_number, NEW.finalized_number))
  EXECUTE FUNCTION chaos_judge_move();
`;

const ATTEMPTS = 40;
const PAUSE_MS = 100;

/** Asks once on a connection of its own: the server may be in the middle of a crash. */
export async function sql(url: string, statement: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
  for (let attempt = 1; ; attempt += 1) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000, query_timeout: 15_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<Record<string, unknown>>(statement, [...values]);
      return rows;
    } catch (error) {
      if (attempt === ATTEMPTS || !isAway(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** Not there right now, as opposed to: would not do it. */
function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    code.startsWith('57P') || code.startsWith('08') || code.startsWith('ECONN') || /Connection terminated|timeout/i.test(error.message)
  );
}

/** One role for each process, on the whole server. */
export async function makeRoles(url: string, roles: readonly string[]): Promise<void> {
  for (const role of roles) await sql(url, `CREATE ROLE ${role} SUPERUSER LOGIN`);
}

export async function installAudit(url: string, extra: string): Promise<void> {
  await sql(url, AUDIT + extra);
}

export async function leaderOf(url: string, chainId: number): Promise<string | undefined> {
  const [row] = await sql(url, 'SELECT author FROM chaos_epochs WHERE chain_id = $1 ORDER BY epoch DESC LIMIT 1', [chainId]);
  return row && String(row['author']);
}

export async function cursorOf(url: string, chainId: number): Promise<{ readonly number: number; readonly hash: string } | undefined> {
  const [row] = await sql(url, `SELECT number, '0x' || encode(hash, 'hex') AS hash FROM chain_cursors WHERE chain_id = $1`, [chainId]);
  return row && { number: Number(row['number']), hash: String(row['hash']) };
}

export async function offences(url: string): Promise<string[]> {
  const rows = await sql(url, 'SELECT chain_id, what, detail FROM chaos_offences');
  return rows.map((row) => `chain ${String(row['chain_id'])}: ${String(row['what'])}: ${String(row['detail'])}`);
}
