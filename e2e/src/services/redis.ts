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

/** A Redis without persistence on a free port (or a given one, to come back after a crash, empty). */
export async function startRedis(binary: string, port?: number): Promise<RedisServer> {
  const at = port ?? (await freePort());
  const folder = await mkdtemp(join(tmpdir(), 'droppio-redis-'));
  const child = startChild(binary, ['--port', String(at), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]);
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
