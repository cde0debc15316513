import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStreamTransport, LongPollTransport, OverlayConnection, WebSocketTransport, type Transport } from '@droppio/client';
import { startApp, type RunningApp } from '@droppio/platform';
import { parseTokenKeys } from '@droppio/protocol/overlay-token';
import { createTestDatabase, type TestDatabase } from '@droppio/storage/testing';
import { TipLedger, tipId, type BlockHeader, type SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { standaloneSettings } from './env.js';
import { standaloneApp } from './standalone.app.js';

/*
 * What a creator does not want on the screen, on its whole way: from the commit of a block to the frames that overlays receive, by every
 * way and however they come to them. Nobody screens here but the sweep: whoever committed is gone, as after a crash.
 */
const adminToken = randomBytes(24).toString('hex');
const tokenKeys = parseTokenKeys(`1:${randomBytes(32).toString('hex')}`);
const SECRET = 'sw0rdf1sh';
const SOON = { timeout: 15_000, interval: 20 };
const CHAIN = 31_337;
let database: TestDatabase;
let pageDir: string;
const apps: RunningApp[] = [];

async function start(): Promise<RunningApp> {
  const app = await startApp(
    standaloneApp({
      env: standaloneSettings.parse({ LOG_LEVEL: 'error', INTERNAL_PORT: '0', GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0' }),
      port: 0,
      databaseUrl: database.url,
      broker: { kind: 'memory' },
      chains: [],
      tokenKeys,
      adminToken,
      pageUrl: 'http://127.0.0.1/overlay',
      gatewayUrl: 'ws://127.0.0.1/overlay',
      pageDir,
    }),
  );
  apps.push(app);
  return app;
}

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  pageDir = await mkdtemp(join(tmpdir(), 'droppio-moderation-'));
  await writeFile(join(pageDir, 'index.html'), '<meta name="droppio-gateway" content="" />');
  await start();
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close('test over')));
  await database.drop();
  await rm(pageDir, { recursive: true });
});

function appAt(index: number): RunningApp {
  const app = apps[index];
  if (app === undefined) throw new Error('no such app');
  return app;
}

async function call(method: string, token: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${String(appAt(0).port)}/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'if-match': '*' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.ok, await response.clone().text()).toBe(true);
  return response.json();
}

const ways: readonly ((url: string) => Transport)[] = [
  (url) => new WebSocketTransport(url, WebSocket),
  (url) => new EventStreamTransport(url),
  (url) => new LongPollTransport(url),
];

/** An overlay by one of the ways, and everything it was ever sent. */
class Eyes {
  readonly types: string[] = [];
  readonly heard: unknown[] = [];
  state = '';
  private readonly connection: OverlayConnection;

  constructor(app: RunningApp, token: string, make: (url: string) => Transport, from?: { epoch: string; seq: number }) {
    this.connection = new OverlayConnection(
      { transport: make(`ws://127.0.0.1:${String(app.port)}/overlay`), token, ...(from && { cursor: from }) },
      {
        event: (frame) => {
          this.types.push(frame.type);
          this.heard.push(frame);
        },
        ready: (frame) => {
          this.heard.push(frame);
        },
        gap: (frame) => {
          this.heard.push(frame);
        },
        state: ({ kind }) => {
          this.state = kind;
        },
      },
    );
    this.connection.start();
  }

  get all(): string {
    return JSON.stringify(this.heard);
  }

  stop(): void {
    this.connection.stop();
  }
}

async function anOverlay(): Promise<{ id: string; token: string; wallet: `0x${string}`; overlayToken: string }> {
  const wallet = randomHex(20);
  const body = { handle: `c${randomBytes(6).toString('hex')}`, displayName: 'Tester', wallets: [wallet] };
  const made = z
    .object({ creator: z.object({ id: z.string() }), accessToken: z.string() })
    .parse(await call('POST', adminToken, 'creators', body));
  const { id } = z.object({ id: z.string() }).parse(await call('POST', made.accessToken, 'overlays', { name: 'Main' }));
  const { pageUrl } = z.object({ pageUrl: z.string() }).parse(await call('GET', made.accessToken, `overlays/${id}/url`));
  return { id: made.creator.id, token: made.accessToken, wallet, overlayToken: new URL(pageUrl).hash.slice(1) };
}

describe('what a creator does not want on the screen', () => {
  let at: BlockHeader;
  const saying = (wallet: `0x${string}`, message: string): SightedTip => {
    const tip = aTip({ creator: wallet, message });
    return tip.display === undefined ? tip : { ...tip, display: { ...tip.display, message } };
  };
  const idOf = ({ txHash, ordinal }: SightedTip): string => tipId({ chainId: CHAIN, txHash, ordinal });
  const ledger = (): TipLedger => appAt(0).app.get(TipLedger, { strict: false });
  const commit = async (...tips: readonly SightedTip[]): Promise<void> => {
    at = aChildOf(at);
    const placed = tips.map((tip, logIndex) => ({ ...tip, logIndex }));
    await ledger().commit(CHAIN, 1, { block: at, seenAtMs: at.timestampMs, tips: placed, quarantined: [] });
  };

  beforeAll(async () => {
    at = aBlock({ number: 1, timestampMs: Date.now() });
    await ledger().begin(CHAIN, at, 1);
  });

  it('never reaches it, live, resumed, replayed or restored, by any way', async () => {
    const { id, token, wallet, overlayToken } = await anOverlay();
    await call('PUT', token, 'moderation', { blockList: { entries: ['swordfish'], action: 'reject' } });
    const live = ways.map((make) => new Eyes(appAt(0), overlayToken, make));
    await expect.poll(() => live.map(({ state }) => state), SOON).toEqual(['open', 'open', 'open']);
    const rejected = saying(wallet, `buy ${SECRET} now`);
    await commit(rejected, saying(wallet, 'so kind'));
    for (const eyes of live) await expect.poll(() => eyes.types, SOON).toEqual(['tip']);
    // The chain moves on over the rejected tip: none of it is anybody's news.
    await ledger().finalize(CHAIN, 1, { safe: at, finalized: at });
    for (const eyes of live) await expect.poll(() => eyes.types, SOON).toEqual(['tip', 'tip.updated']);

    const position = await ledger().position(id);
    const from = { epoch: position?.epoch ?? '', seq: 1 };
    const resumed = ways.map((make) => new Eyes(appAt(0), overlayToken, make, from));
    // Another process, whose feed knows nothing: it is rebuilt from Postgres.
    const other = await start();
    const restored = ways.map((make) => new Eyes(other, overlayToken, make, from));
    for (const eyes of [...resumed, ...restored]) await expect.poll(() => eyes.types, SOON).toEqual(['tip', 'tip.updated']);
    const snapshot = JSON.stringify(await ledger().snapshot(id, 1000));
    for (const text of [...[...live, ...resumed, ...restored].map(({ all }) => all), snapshot]) {
      expect(text).toContain('so kind');
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(rejected.txHash);
    }
    for (const eyes of [...live, ...resumed, ...restored]) eyes.stop();
  });

  it('waits for a person, and plays within a second of the word', async () => {
    const { token, wallet, overlayToken } = await anOverlay();
    await call('PUT', token, 'moderation', { mode: 'hold' });
    const eyes = new Eyes(appAt(0), overlayToken, (url) => new WebSocketTransport(url, WebSocket));
    await expect.poll(() => eyes.state, SOON).toBe('open');
    const [kind, bad] = [saying(wallet, 'so kind'), saying(wallet, SECRET)];
    await commit(kind, bad);
    const held = async (): Promise<number> =>
      z.object({ data: z.array(z.unknown()) }).parse(await call('GET', token, 'alerts')).data.length;
    await expect.poll(held, SOON).toBe(2);
    expect(eyes.types).toEqual([]);
    const said = Date.now();
    await call('POST', token, `alerts/${idOf(kind)}/approve`);
    await call('POST', token, `alerts/${idOf(bad)}/reject`);
    await expect.poll(() => eyes.types, SOON).toEqual(['tip']);
    expect(Date.now() - said).toBeLessThan(1000);
    await call('POST', token, `alerts/${idOf(kind)}/replay`);
    await expect.poll(() => eyes.heard.at(-1), SOON).toMatchObject({ type: 'test', d: { message: 'so kind', replayOf: idOf(kind) } });
    expect(eyes.all).not.toContain(SECRET);
    eyes.stop();
  });

  it('is paused, muted, skipped and cleared within a second, and stays paused for who connects later', async () => {
    const { token, overlayToken } = await anOverlay();
    const eyes = new Eyes(appAt(0), overlayToken, (url) => new WebSocketTransport(url, WebSocket));
    await expect.poll(() => eyes.state, SOON).toBe('open');
    const said = Date.now();
    await call('PUT', token, 'queue', { paused: true, muted: true });
    for (const action of ['skip', 'clear']) await call('POST', token, `queue/${action}`);
    await expect.poll(() => eyes.types, SOON).toEqual(['config', 'control', 'control']);
    expect(Date.now() - said).toBeLessThan(1000);
    const late = new Eyes(appAt(0), overlayToken, (url) => new EventStreamTransport(url));
    await expect.poll(() => late.heard[0], SOON).toMatchObject({ op: 'ready', config: { paused: true, muted: true } });
    for (const each of [eyes, late]) each.stop();
  });
});
