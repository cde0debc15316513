import { chownSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, postgresBinaries, startChild, type Child } from '@droppio/e2e/houses';
import pg from 'pg';

const NOBODY = 65_534;
const START_MS = 30_000;

/** One PostgreSQL with a folder of its own that can be ended in the middle of everything and comes back to what it had written. */
export class PostgresBox {
  private constructor(
    private readonly binary: string,
    private readonly folder: string,
    readonly port: number,
    private child: Child,
    private readonly isOurs: boolean,
  ) {}

  /** `folder`: where another disk is mounted; one of its own otherwise. */
  static async start(folder?: string): Promise<PostgresBox> {
    const { initdb, postgres } = await postgresBinaries();
    const place = folder ?? (await mkdtemp(join(tmpdir(), 'droppio-proof-postgres-')));
    if (isRoot()) chownSync(place, NOBODY, NOBODY);
    const args = ['-D', join(place, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
    const created = startChild(initdb, args, { ...asUser(), cwd: place });
    if ((await created.ended) !== 0) throw new Error(`initdb failed:\n${created.output()}`);
    const port = await freePort();
    return new PostgresBox(postgres, place, port, await run(postgres, place, port), folder === undefined);
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${String(this.port)}/postgres`;
  }

  /** What it has printed since it last came up. */
  output(): string {
    return this.child.output();
  }

  /** Ends it as `pg_ctl stop -m immediate` does: no checkpoint, no goodbye. It recovers from its log when it is started again. */
  async crash(): Promise<void> {
    await this.child.stop('SIGQUIT', START_MS);
  }

  async restart(): Promise<void> {
    this.child = await run(this.binary, this.folder, this.port);
  }

  async stop(): Promise<void> {
    await this.child.stop('SIGINT', START_MS);
    if (this.isOurs) await rm(this.folder, { recursive: true, force: true });
  }
}

async function run(binary: string, folder: string, port: number): Promise<Child> {
  const options = [
    'fsync=off',
    'listen_addresses=127.0.0.1',
    'max_connections=200',
    `unix_socket_directories=${folder}`,
    'log_min_messages=warning',
  ];
  const args = ['-D', join(folder, 'data'), '-p', String(port), ...options.flatMap((option) => ['-c', option])];
  const child = startChild(binary, args, { ...asUser(), cwd: folder });
  const deadline = Date.now() + START_MS;
  // It says that it is ready at a level that is left out here.
  while (!(await isUp(port))) {
    if (Date.now() > deadline || child.process.exitCode !== null) throw new Error(`PostgreSQL did not start:\n${child.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return child;
}

async function isUp(port: number): Promise<boolean> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', connectionTimeoutMillis: 1000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const isRoot = (): boolean => process.getuid?.() === 0;
const asUser = (): { uid?: number; gid?: number } => (isRoot() ? { uid: NOBODY, gid: NOBODY } : {});
