import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloseCode, parseServerFrame, PROTOCOL, type ServerFrame } from '@droppio/protocol';
import { WebSocket } from 'ws';
import { HouseClient } from '../houses/house-client.js';
import type { House } from '../houses/house.js';
import { chainSetting, houseChain } from '../houses/trio.js';
import { freePort } from '../services/child.js';
import { startPostgres } from '../services/postgres.js';
import { findPrograms } from '../services/programs.js';
import { startRedis } from '../services/redis.js';
import { DevChain } from '@droppio/tip-jar';
import { Container } from './container.js';
import type { App, Image } from './image.js';
import { checkConfinement, residentMebibytes, untilReady } from './confinement.js';

/** As compose.yaml and k8s/base give them, and what drains the socket within seconds. */
const STOPS_WITHIN_MS = 20_000;

type Say = (sentence: string) => void;

/** The three apps from their images, beside real services: a tip comes from the chain to a socket, and SIGTERM tells the socket to move. */
export async function tellStory(images: Readonly<Record<App, Image>>, say: Say): Promise<void> {
  const programs = findPrograms();
  const [redis, postgres, chain] = await Promise.all([
    startRedis(programs.redisServerPath),
    startPostgres(),
    DevChain.start({ anvilPath: programs.anvilPath, slotsInAnEpoch: 1 }),
  ]);
  const containers: Container[] = [];
  try {
    const settings = await settingsFor(postgres.url);
    const place = await houseChain(chain);
    const migration = new Container(images.api, 'migrate', { env: settings.database, args: ['node', 'migrate.mjs'] });
    containers.push(migration);
    assert.equal(await migration.child.ended, 0, `migrate.mjs ended otherwise:\n${migration.child.output()}`);
    say('migrate.mjs of the api image brings an empty database to the newest schema and ends with 0');

    const own: Readonly<Record<App, Readonly<Record<string, string>>>> = {
      api: settings.api,
      listener: { ...settings.database, CHAINS: chainSetting(place) },
      gateway: settings.gateway,
    };
    const start = (app: App): Container => {
      const env = {
        HOST: '127.0.0.1',
        INTERNAL_HOST: '127.0.0.1',
        REDIS_URL: redis.url,
        INTERNAL_PORT: settings.internal[app],
        ...own[app],
      };
      return new Container(images[app], app, { env });
    };
    const running = { api: start('api'), listener: start('listener'), gateway: start('gateway') };
    containers.push(...Object.values(running));
    for (const app of ['api', 'listener', 'gateway'] as const) {
      await untilReady(running[app], settings.internal[app]);
      await checkConfinement(running[app], images[app]);
      say(
        `${app}: process 1 is node, uid ${String(images[app].uid)}, no capabilities; nothing but /tmp can be written to; its own health check says alive; ${String(await residentMebibytes(running[app]))} MiB resident`,
      );
    }
    await tipAndDrain({ settings, place, running }, say);
    const renewal = new Container(images.api, 'new-epochs', { env: settings.database, args: ['node', 'migrate.mjs', '--new-epochs'] });
    containers.push(renewal);
    assert.equal(await renewal.child.ended, 0, `migrate.mjs --new-epochs ended otherwise:\n${renewal.child.output()}`);
    assert.match(renewal.child.output(), /^New epochs for 1 creators\.$/m);
  } finally {
    for (const container of containers) await container.remove();
    await Promise.all([redis.stop(), postgres.stop(), chain.stop()]);
  }
}

interface Settings {
  readonly adminToken: string;
  readonly apiUrl: string;
  readonly gatewayUrl: string;
  readonly internal: Readonly<Record<App, string>>;
  readonly database: Readonly<Record<string, string>>;
  readonly api: Readonly<Record<string, string>>;
  readonly gateway: Readonly<Record<string, string>>;
}

async function settingsFor(postgresUrl: string): Promise<Settings> {
  const [apiPort, gatewayPort, api, listener, gateway] = await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort()]);
  const adminToken = randomBytes(32).toString('hex');
  const keys = { OVERLAY_TOKEN_KEYS: `1:${randomBytes(32).toString('hex')}` };
  const [apiUrl, gatewayUrl] = [`http://127.0.0.1:${String(apiPort)}`, `ws://127.0.0.1:${String(gatewayPort)}/overlay`];
  const database = { DATABASE_URL: postgresUrl };
  return {
    adminToken,
    apiUrl,
    gatewayUrl,
    internal: { api: String(api), listener: String(listener), gateway: String(gateway) },
    database,
    api: {
      ...database,
      ...keys,
      DATABASE_MIGRATE: 'false',
      PORT: String(apiPort),
      ADMIN_TOKEN: adminToken,
      PUBLIC_PAGE_URL: `${apiUrl}/overlay`,
      PUBLIC_GATEWAY_URL: gatewayUrl,
    },
    gateway: { ...keys, PORT: String(gatewayPort), DRAIN_DELAY_MS: '0', DRAIN_WINDOW_MS: '500', DRAIN_GRACE_MS: '1000' },
  };
}

interface Stage {
  readonly settings: Settings;
  readonly place: House['chain'];
  readonly running: Readonly<Record<App, Container>>;
}

async function tipAndDrain({ settings, place, running }: Stage, say: Say): Promise<void> {
  const { apiUrl, adminToken, gatewayUrl } = settings;
  const client = new HouseClient({
    name: 'images',
    apiUrl,
    adminToken,
    gatewayUrl,
    chain: place,
    internalUrls: {},
    output: () => '',
    stop: () => Promise.resolve(),
  });
  const creator = await client.creator();
  const socket = new Socket(creator.webSocketUrl);
  await socket.saw((frame) => frame.op === 'ready');
  await client.tip(creator, 10n ** 16n, 'from one image to another');
  await socket.saw((frame) => frame.op === 'event' && frame.type === 'tip' && frame.d.message === 'from one image to another');
  say('a tip on the chain came through the listener and the gateway to a socket that the api’s URL opened');

  const began = Date.now();
  assert.equal(await running.gateway.stop(STOPS_WITHIN_MS), 0, 'SIGTERM does not end the gateway with 0');
  assert.ok(
    socket.frames.some((frame) => frame.op === 'move'),
    'the socket was not told to move',
  );
  assert.equal(await socket.closed, CloseCode.drain);
  say(
    `gateway: SIGTERM tells the open socket to move, closes it with ${String(CloseCode.drain)} when it stays, and ends with 0 (${String(Date.now() - began)} ms)`,
  );
  for (const app of ['listener', 'api'] as const) {
    assert.equal(await running[app].stop(STOPS_WITHIN_MS), 0, `SIGTERM does not end the ${app} with 0`);
    say(`${app}: SIGTERM ends it with 0`);
  }
}

/** A plain client that stays where it is, whatever it is told. */
class Socket {
  readonly frames: ServerFrame[] = [];
  readonly closed: Promise<number>;
  private readonly socket: WebSocket;

  constructor(url: string) {
    this.socket = new WebSocket(url, [PROTOCOL]);
    this.socket.on('message', (data: Buffer) => {
      const frame = parseServerFrame(data.toString('utf8'));
      if (frame !== undefined) this.frames.push(frame);
    });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('error', () => undefined);
  }

  async saw(wanted: (frame: ServerFrame) => boolean): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!this.frames.some(wanted)) {
      if (Date.now() > deadline) throw new Error(`The socket saw only ${JSON.stringify(this.frames)}`);
      await sleep(20);
    }
  }
}
