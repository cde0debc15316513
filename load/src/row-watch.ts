import { within } from '@droppio/tips';
import pg from 'pg';

const CHANNEL = 'bench_rows';

/** A statement's rows are told at its commit, which is when anybody else can see them. The same for every table that is watched. */
const TELL = `
CREATE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE told text;
BEGIN
  SELECT count(*) || ' ' || max(block_number) INTO told FROM new_rows;
  IF told IS NOT NULL THEN PERFORM pg_notify('${CHANNEL}', told); END IF;
  RETURN NULL;
END $$`;
const WATCH = (table: string): string =>
  `CREATE TRIGGER bench_tell AFTER INSERT ON ${table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bench_tell()`;

/** A table that a program makes when it starts is watched from its first moment. */
const WATCH_ONCE_MADE = (table: string): string => `
CREATE FUNCTION bench_attach() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE made record;
BEGIN
  FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' AND object_identity = '${table}' LOOP
    EXECUTE '${WATCH(table)}';
  END LOOP;
END $$;
CREATE EVENT TRIGGER bench_attach ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION bench_attach()`;

interface Wait {
  readonly isOver: () => boolean;
  readonly done: (atMs: number) => void;
}

/** Hears of rows of one table as they become visible in Postgres, on a connection of its own. Times are `performance.now()`. */
export class RowWatch {
  private rows = 0;
  private highest = -1;
  private lastAtMs = 0;
  private waits: Wait[] = [];

  private constructor(private readonly client: pg.Client) {
    client.on('notification', ({ payload = '' }) => {
      const [count = 0, block = -1] = payload.split(' ').map(Number);
      this.rows += count;
      this.highest = Math.max(this.highest, block);
      this.lastAtMs = performance.now();
      for (const wait of this.waits) if (wait.isOver()) wait.done(this.lastAtMs);
      this.waits = this.waits.filter((wait) => !wait.isOver());
    });
  }

  /** `table` needs a column `block_number`. */
  static async on(databaseUrl: string, table: string): Promise<RowWatch> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    const { rows } = await client.query<{ exists: boolean }>('SELECT to_regclass($1) IS NOT NULL AS exists', [table]);
    await client.query(TELL);
    await client.query(rows[0]?.exists === true ? WATCH(table) : WATCH_ONCE_MADE(table));
    await client.query(`LISTEN ${CHANNEL}`);
    return new RowWatch(client);
  }

  /** When this many rows had become visible. */
  async counted(rows: number, timeoutMs: number): Promise<number> {
    return this.when(() => this.rows >= rows, timeoutMs, `${String(rows)} rows`);
  }

  /** When a row of this block or of a later one became visible. */
  async reached(block: number, timeoutMs: number): Promise<number> {
    return this.when(() => this.highest >= block, timeoutMs, `block ${String(block)}`);
  }

  get count(): number {
    return this.rows;
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  private async when(isOver: () => boolean, timeoutMs: number, what: string): Promise<number> {
    if (isOver()) return this.lastAtMs;
    const heard = new Promise<number>((done) => this.waits.push({ isOver, done }));
    return within(timeoutMs, `waiting for ${what} (${String(this.rows)} rows so far)`, heard);
  }
}
