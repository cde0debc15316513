import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { RedisBrokerModule } from '@droppio/broker';
import { OverlayConnection, WebSocketTransport } from '@droppio/client';
import { configureHttp, CreatorsModule, CreatorsOptions } from '@droppio/creators';
import { GatewayHouse } from '@droppio/delivery/testing';
import { startApp, type RunningApp } from '@droppio/platform';
import { parseTokenKeys } from '@droppio/protocol/overlay-token';
import { RelayModule } from '@droppio/relay';
import { beginNewEpochs, StorageModule } from '@droppio/storage';
import { query } from '@droppio/storage/testing';
import { randomHex } from '@droppio/tips/testing';
import { WebhooksModule } from '@droppio/webhooks';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { ROOT } from './houses/app-process.js';
import { startPostgres, type PostgresServer } from './services/postgres.js';

/*
 * A backup is put back under Redis and gateways that know more than it does: the lines of docs/deploy/backup.md and postgres.md, by the real
 * programs and as the two roles, with overlays looking on. What they ask of kubectl is done to an API of this process.
 */
const textOf = (name: string): string => readFileSync(resolve(ROOT, 'docs/deploy', name), 'utf8');
/** Blocks of lines under a heading. */
const blocks = (text: string, heading: string): string[][] =>
  [...(text.split(new RegExp(`^##? ${heading}$`, 'm'))[1]?.split(/^## /m)[0] ?? '').matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) =>
    block
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#')),
  );
const [BACK_UP = []] = blocks(textOf('backup.md'), 'Back up');
const [NAMES = [], RESTORE = []] = blocks(textOf('backup.md'), 'Restore');
const [TRY_IT = []] = blocks(textOf('backup.md'), 'Try it');
const [ROLES = []] = blocks(textOf('postgres.md'), 'Postgres');

const WAIT = { timeout: 20_000, interval: 50 };
const adminToken = randomBytes(24).toString('hex');
const keys = `1:${randomBytes(32).toString('hex')}`;
const prefix = `test-${randomUUID()}`;
let server: PostgresServer;
let folder: string;
let gateway: GatewayHouse;
let api: RunningApp;

const broker = () => RedisBrokerModule.for({ url: inject('redisUrl'), queue: { prefix } });

const as = (user: string, database: string): string => {
  const url = new URL(server.url);
  [url.username, url.pathname] = [user, database];
  return url.href;
};

beforeAll(async () => {
  const programs = dirname(inject('postgresPath'));
  server = await startPostgres({ binaries: { initdb: join(programs, 'initdb'), postgres: inject('postgresPath') } });
  folder = await mkdtemp(join(tmpdir(), 'droppio-backup-'));
  await run('psql "$ADMIN_URL" -v ON_ERROR_STOP=1 <<"SQL"\n' + ROLES.join('\n') + '\nSQL');
  await migrate();
  gateway = await GatewayHouse.start({ broker: broker(), settings: { OVERLAY_TOKEN_KEYS: keys } });
  api = await startApi();
}, 60_000);
afterAll(async () => {
  await gateway.stop();
  await api.close('the test is over');
  await server.stop();
  await rm(folder, { recursive: true });
});

/** As a person's shell does it who has set what the pages tell him to. */
async function run(line: string): Promise<string> {
  const env = {
    PATH: `${dirname(inject('postgresPath'))}:${process.env['PATH'] ?? ''}`,
    TZ: 'UTC',
    ADMIN_URL: server.url,
    OWNER_URL: as('droppio_owner', 'droppio'),
    RESTORED_URL: as('droppio_owner', 'droppio_restored'),
    TRIAL_URL: as('droppio_owner', 'droppio_trial'),
    DUMP: readdirSync(folder).find((name) => /^droppio-\d{4}-\d\d-\d\d\.dump$/.test(name)) ?? '',
  };
  return (await promisify(execFile)('sh', ['-euc', line], { cwd: folder, env, timeout: 30_000 })).stdout;
}

/** What docker/migrate.mjs does, which is what both Jobs run, as the role in their Secret. */
async function migrate(): Promise<void> {
  const settings = {
    LOG_LEVEL: 'error',
    INSTANCE_ID: 'migrate',
    INTERNAL_HOST: '127.0.0.1',
    INTERNAL_PORT: 0,
    SHUTDOWN_TIMEOUT_MS: 10_000,
  } as const;
  const url = as('droppio_owner', 'droppio');
  const app = await startApp({ service: 'migrate', settings, rooms: [StorageModule.for({ url, migrate: true })] });
  await app.close('migrated');
}

function startApi(): Promise<RunningApp> {
  return startApp({
    service: 'api',
    settings: { LOG_LEVEL: 'error', INSTANCE_ID: 'api', INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: 0, SHUTDOWN_TIMEOUT_MS: 10_000 },
    rooms: [
      StorageModule.for({ url: as('droppio_app', 'droppio'), migrate: false }),
      broker(),
      RelayModule.for({ work: true }),
      WebhooksModule.for({ work: false, keys: parseTokenKeys(keys) }),
      CreatorsModule.for(
        new CreatorsOptions({
          adminToken,
          tokenKeys: parseTokenKeys(keys),
          pageUrl: 'https://tips.test/overlay',
          gatewayUrl: 'wss://tips.test/overlay',
          signIn: { origins: ['https://app.test'], chains: new Set([1]), nodes: new Map(), isSignUpOpen: false },
        }),
      ),
    ],
    http: {
      host: '127.0.0.1',
      port: 0,
      portSetting: 'PORT',
      configure: (app) => {
        configureHttp(app, { corsOrigins: [], trustedProxies: [] });
      },
    },
  });
}

async function call(path: string, token: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${String(api.port)}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}

async function newCreator() {
  const made = await call('/v1/creators', adminToken, { handle: `c-${randomHex(6).slice(2)}`, displayName: 'A', wallets: [randomHex(20)] });
  const accessToken = String(made['accessToken']);
  const { id } = await call('/v1/overlays', accessToken, { name: 'main' });
  const overlay = String(id);
  const { pageUrl } = await call(`/v1/overlays/${overlay}/url`, accessToken);
  const alert = (message: string) => call(`/v1/overlays/${overlay}/test`, accessToken, { message });
  return { token: new URL(String(pageUrl)).hash.slice(1), alert };
}

/** The page's own connection: it reconnects and resumes by itself, and writes down what it hears. */
class Page {
  readonly heard: string[] = [];
  cursor: { epoch: string; seq: number } | undefined;
  private readonly connection: OverlayConnection;

  constructor(token: string, cursor?: { epoch: string; seq: number }) {
    const transport = new WebSocketTransport(gateway.url, WebSocket);
    let epoch = cursor?.epoch ?? '';
    this.connection = new OverlayConnection(cursor === undefined ? { transport, token } : { transport, token, cursor }, {
      ready: (frame) => {
        epoch = frame.epoch;
        this.heard.push(frame.recovered ? 'ready' : 'not recovered');
      },
      event: (frame) => {
        this.cursor = { epoch, seq: frame.seq };
        if (frame.type === 'test') this.heard.push(frame.d.message);
      },
      gap: () => this.heard.push('gap'),
      state: () => undefined,
    });
    this.connection.start();
  }

  close(): void {
    this.connection.stop();
  }
}

/** What the page asks of kubectl, at the API that there is. Gateways are not asked for anything. */
const asked: string[] = [];
let stopping: Promise<void> | undefined;
let before: readonly string[] = [];
const epochs = async (): Promise<readonly string[]> => {
  const rows = await query(as('droppio_app', 'droppio'), 'SELECT epoch FROM creator_streams');
  return z
    .array(z.object({ epoch: z.string() }))
    .parse(rows)
    .map(({ epoch }) => epoch);
};
const KUBECTL: Readonly<Record<string, () => Promise<unknown>>> = {
  // Says yes at once; the pods drain.
  'scale deployment/listener deployment/api -n droppio --replicas=0': () => {
    stopping = api.close('scaled to nothing');
    return Promise.resolve();
  },
  "wait pod -n droppio -l 'app.kubernetes.io/name in (api, listener)' --for=delete --timeout=3m": () =>
    stopping ?? Promise.reject(new Error('not stopped')),
  'delete job/new-epochs -n droppio --ignore-not-found': () => Promise.resolve(),
  'create job new-epochs -n droppio --from=cronjob/new-epochs': async () => {
    await migrate();
    expect(await beginNewEpochs({ url: as('droppio_owner', 'droppio'), migrate: false })).toBe(2);
  },
  'wait job/new-epochs -n droppio --for=condition=complete --timeout=65m': () => Promise.resolve(),
  'scale deployment/api -n droppio --replicas=3': async () => {
    // Whatever it publishes, from its first moment on, is under an epoch that no feed and no page has seen.
    expect((await epochs()).filter((epoch) => before.includes(epoch))).toEqual([]);
    api = await startApi();
  },
  'rollout status deployment/api -n droppio': () => Promise.resolve(),
  'scale deployment/listener -n droppio --replicas=2': () => Promise.resolve(),
};

async function follow(lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const [, command] = /^kubectl (.*)$/.exec(line) ?? [];
    if (command === undefined) await run(line);
    else {
      const act = KUBECTL[command];
      if (act === undefined) throw new Error(`nobody here can: ${line}`);
      asked.push(command);
      await act();
    }
  }
}

it('a backup that is put back as the page says leaves no overlay with a silent gap, and both roles with their rights', async () => {
  expect(NAMES.map((line) => /^export (\w+)=/.exec(line)?.[1])).toEqual(['ADMIN_URL', 'RESTORED_URL', 'DUMP']);
  const [first, quiet] = [await newCreator(), await newCreator()];
  const [open, asleep, other] = [new Page(first.token), new Page(first.token), new Page(quiet.token)];
  await expect.poll(() => [open, asleep, other].map(({ heard }) => heard), WAIT).toEqual([['ready'], ['ready'], ['ready']]);
  await first.alert('before the backup');
  await quiet.alert('before the backup');
  await expect.poll(() => [open, other].map(({ heard }) => heard.at(-1)), WAIT).toEqual(['before the backup', 'before the backup']);
  await query(as('droppio_app', 'droppio'), `INSERT INTO rate_windows VALUES ('somebody', 1, now() + interval '1 hour')`);
  await follow(BACK_UP);
  before = await epochs();
  expect(before).toHaveLength(2);

  for (const message of ['lost 1', 'lost 2', 'lost 3']) await first.alert(message);
  await expect.poll(() => [open, asleep].map(({ heard }) => heard.at(-1)), WAIT).toEqual(['lost 3', 'lost 3']);
  asleep.close();

  // A pooler that keeps its connections, or a person who looks on: he is in nobody's way.
  const onlooker = new pg.Client({ connectionString: as('droppio_app', 'droppio') });
  onlooker.on('error', () => undefined);
  await onlooker.connect();
  await follow(RESTORE);
  expect(asked).toEqual(Object.keys(KUBECTL));

  // Also where nothing happens: the sweep rebuilds the feed, and the gateway tells the page.
  await expect.poll(() => [open, other].map(({ heard }) => heard.at(-1)), WAIT).toEqual(['not recovered', 'not recovered']);
  const back = new Page(first.token, asleep.cursor);
  await expect.poll(() => back.heard.at(-1), WAIT).toBe('not recovered');
  await first.alert('after it');
  await expect.poll(() => [open, back].map(({ heard }) => heard.at(-1)), WAIT).toEqual(['after it', 'after it']);
  expect(open.heard).toEqual(['ready', 'before the backup', 'lost 1', 'lost 2', 'lost 3', 'gap', 'not recovered', 'after it']);

  await first.alert('and on');
  await quiet.alert('and on');
  await expect.poll(() => [open, back, other].map(({ heard }) => heard.at(-1)), WAIT).toEqual(['and on', 'and on', 'and on']);
  for (const page of [open, back, other]) page.close();

  // The next migration is the owner's, and what it makes is for the apps to use and not to change.
  const [owner, app] = [as('droppio_owner', 'droppio'), as('droppio_app', 'droppio')];
  await query(owner, 'CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY)');
  await query(app, 'INSERT INTO later DEFAULT VALUES');
  for (const forbidden of ['DROP TABLE later', 'CREATE TABLE mine (id int)', 'DROP TABLE tips'])
    await expect(query(app, forbidden), forbidden).rejects.toMatchObject({ code: '42501' });
  expect(await query(app, 'SELECT key FROM rate_windows')).toEqual([]);
  await expect(query(as('droppio_app', 'droppio_broken'), 'SELECT 1')).rejects.toMatchObject({ code: '55000' });
});

it('a backup can be tried beside the database', async () => {
  await follow(TRY_IT);
  expect(await query(server.url, `SELECT datname FROM pg_database WHERE datname = 'droppio_trial'`)).toEqual([]);
});
