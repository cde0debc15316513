import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { startChild } from '@droppio/e2e/houses';
import pg from 'pg';
import * as z from 'zod';
import type { Contender } from './contender.js';
import type { Ground } from './ground.js';
import { RowWatch } from './row-watch.js';

const FOLDER = resolve(import.meta.dirname, '../peers/ponder');
const SCHEMA = 'peer';
const START_MS = 60_000;
const LEAST_NODE = 22;
const Manifest = z.object({ version: z.string() });

/** How the peer hears of new blocks: its own WebSocket option, or polling at the shortest interval that it admits (its default is 1000 ms). */
export const PEER_MODES = ['WebSocket', 'poll 100 ms'] as const;
export type PeerMode = (typeof PEER_MODES)[number];

/** Installs the peer into its own folder when it is not there, and says so. It is no part of the product and of no workspace. */
export function installPonder(say: (line: string) => void): { readonly version: string; readonly node: string } {
  if (!existsSync(resolve(FOLDER, 'node_modules/ponder/package.json'))) {
    say('Ponder is not installed: running "npm ci" in load/peers/ponder (about a minute).');
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: FOLDER,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 300_000,
    });
  }
  const manifest: unknown = JSON.parse(readFileSync(resolve(FOLDER, 'node_modules/ponder/package.json'), 'utf8'));
  const version = execFileSync(nodeForPeer(), ['--version'], { encoding: 'utf8' }).trim();
  return { version: Manifest.parse(manifest).version, node: version };
}

/** The peer from the chain's first block on, or from its head. */
export function ponder(ground: Ground, mode: PeerMode, from: 'first' | 'head'): Contender {
  return {
    name: from === 'first' ? 'ponder' : `ponder, ${mode}`,
    async start(chain) {
      const database = await emptyDatabase(ground.postgresUrl);
      const rows = await RowWatch.on(database.url, `${SCHEMA}.tip`);
      const startedAtMs = performance.now();
      const { chainId, rpcUrl, wsUrl, jar } = chain.house;
      const child = startChild(
        nodeForPeer(),
        [resolve(FOLDER, 'node_modules/ponder/dist/esm/bin/ponder.js'), 'start', '--schema', SCHEMA, '--port', '0', '--log-format', 'json'],
        {
          cwd: FOLDER,
          env: {
            PATH: process.env['PATH'],
            HOME: process.env['HOME'],
            NODE_ENV: 'production',
            DATABASE_URL: database.url,
            PEER_RPC_URL: rpcUrl,
            PEER_JAR: jar,
            PEER_CHAIN_ID: String(chainId),
            PEER_START_BLOCK: from === 'first' ? '1' : 'latest',
            ...(mode === 'WebSocket' ? { PEER_WS_URL: wsUrl } : { PEER_POLL_MS: '100' }),
          },
        },
      );
      await child.until(/"endpoint":"\/health"/, START_MS);
      return {
        pid: child.pid,
        startedAtMs,
        readyAtMs: performance.now(),
        rows,
        async untilLive() {
          await child.until(/"Started live indexing"/, START_MS);
        },
        async stop() {
          await child.stop('SIGTERM', 20_000).catch(() => child.stop('SIGKILL'));
          await rows.close();
          await database.drop();
        },
      };
    },
  };
}

/** The peer refuses Node below 22: where this process is older, the one that its own folder brings along (Linux). */
function nodeForPeer(): string {
  if (Number(process.versions.node.split('.')[0]) >= LEAST_NODE) return process.execPath;
  const own = resolve(FOLDER, 'node_modules/.bin/node');
  if (existsSync(own)) return own;
  throw new Error(`Ponder needs Node ${String(LEAST_NODE)} or newer; this is ${process.version}.`);
}

async function emptyDatabase(postgresUrl: string): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const name = `peer_${randomBytes(6).toString('hex')}`;
  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: postgresUrl });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await run(`CREATE DATABASE ${name}`);
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(`DROP DATABASE ${name} WITH (FORCE)`) };
}
