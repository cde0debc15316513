import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { startChild, type Child } from '@droppio/e2e/houses';
import { Redis } from 'ioredis';
import * as z from 'zod';
import { roomName, type FanServer, type RunningServer } from './server.js';

const FOLDER = resolve(import.meta.dirname, '../../peers/fanout');
const START_MS = 20_000;
const BUN = resolve(FOLDER, 'node_modules/bun/bin/bun.exe');

/** Installs the peers into their own folder when they are not there, and says so. */
export function installPeers(say: (line: string) => void): void {
  if (existsSync(resolve(FOLDER, 'node_modules/socket.io/package.json'))) return;
  say('The peers are not installed: running "npm ci" in load/peers/fanout.');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  });
}

export const wsLoop = (redisUrl: string): FanServer => ({
  name: 'ws loop',
  what: `ws ${versionOf('ws')}`,
  start: () => plain(process.execPath, 'ws-loop.mjs', redisUrl),
});

export const bun = (redisUrl: string): FanServer => ({
  name: 'Bun',
  what: `Bun ${versionOf('bun')}`,
  start: () => plain(BUN, 'bun-publish.mjs', redisUrl),
});

export const socketIo = (redisUrl: string): FanServer => ({
  name: 'Socket.IO',
  what: `Socket.IO ${versionOf('socket.io')} with its Redis adapter ${versionOf('@socket.io/redis-adapter')}`,
  async start() {
    const emitter = await startPeer(process.execPath, 'socket-io-emitter.mjs', redisUrl);
    const server = await plain(process.execPath, 'socket-io.mjs', redisUrl);
    return {
      ...server,
      manners: { ready: '40{', isBinary: false },
      door: (room) => ({ path: `/socket.io/?EIO=4&transport=websocket&room=${roomName(room)}`, says: '40' }),
      async stop() {
        await Promise.all([server.stop(), emitter.child.stop('SIGKILL')]);
      },
    };
  },
});

async function plain(program: string, script: string, redisUrl: string): Promise<RunningServer> {
  const { child, port } = await startPeer(program, script, redisUrl);
  const redis = new Redis(redisUrl);
  return {
    port,
    pids: [child.pid],
    manners: { isBinary: false },
    door: (room) => ({ path: `/?room=${roomName(room)}` }),
    publish: (room, text) => void redis.publish(`room:${roomName(room)}`, text),
    async stop() {
      redis.disconnect();
      await child.stop('SIGKILL');
    },
  };
}

async function startPeer(program: string, script: string, redisUrl: string): Promise<{ readonly child: Child; readonly port: number }> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'production', REDIS_URL: redisUrl };
  const child = startChild(program, [resolve(FOLDER, script)], { cwd: FOLDER, env });
  const [, port] = await child.until(/listening (\d+)/, START_MS);
  return { child, port: Number(port) };
}

const Manifest = z.object({ version: z.string() });

function versionOf(name: string): string {
  const manifest: unknown = JSON.parse(readFileSync(resolve(FOLDER, 'node_modules', name, 'package.json'), 'utf8'));
  return Manifest.parse(manifest).version;
}
