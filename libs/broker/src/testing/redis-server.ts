import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_MS = 10_000;

/** A Redis of a test's own, without persistence: it may be killed, frozen and brought back empty on the same port. */
export class RedisServer {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly binary: string,
    readonly port: number,
    private readonly folder: string,
    private readonly extra: readonly string[],
  ) {}

  static async start(binary: string, extra: readonly string[] = [], port?: number): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'droppio-broker-redis-'));
    const server = new RedisServer(binary, port ?? (await freePort()), folder, extra);
    await server.restart();
    return server;
  }

  /** A Sentinel with the settings of this file, which it rewrites. */
  static async startSentinel(binary: string, configFile: string, port: number): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'droppio-broker-sentinel-'));
    const server = new RedisServer(binary, port, folder, []);
    await server.run([configFile, '--sentinel', '--port', String(port), '--bind', '127.0.0.1'], /Sentinel ID is|monitor master/);
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${String(this.port)}`;
  }

  /** Comes (back) up on its port, empty. */
  async restart(): Promise<void> {
    const args = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      this.folder,
      ...this.extra,
    ];
    await this.run(args, /Ready to accept connections/);
  }

  private async run(args: readonly string[], ready: RegExp): Promise<void> {
    const child = spawn(this.binary, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child = child;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error('redis-server did not start'));
      }, START_MS);
      child.once('error', reject);
      child.once('exit', () => {
        reject(new Error('redis-server ended while starting'));
      });
      child.stdout.on('data', (chunk: Buffer) => {
        if (!ready.test(chunk.toString('utf8'))) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Ends it as a crash does, and waits until it is gone. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    // A frozen process dies only when it may run again.
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await gone;
  }

  /** Connections stay open and nothing is answered, until `thaw`. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}
