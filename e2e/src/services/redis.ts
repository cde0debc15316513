import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startChild, type Child } from './child.js';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly child: Child;
  stop(): Promise<void>;
}

export interface RedisPlan {
  /** To come back after a crash, empty, where the clients look for it. */
  readonly port?: number;
  readonly detached?: boolean;
}

/** A Redis without persistence on a free port. */
export async function startRedis(binary: string, { port, detached = false }: RedisPlan = {}): Promise<RedisServer> {
  const at = port ?? (await freePort());
  const folder = await mkdtemp(join(tmpdir(), 'droppio-redis-'));
  const child = startChild(binary, ['--port', String(at), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder], {
    detached,
  });
  await child.until(/Ready to accept connections/, 10_000);
  return {
    url: `redis://127.0.0.1:${String(at)}`,
    port: at,
    child,
    async stop() {
      await child.stop('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
