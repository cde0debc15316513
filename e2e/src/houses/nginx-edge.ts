import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startChild, type Child } from '../services/child.js';
import { ROOT } from './app-process.js';

const FILES = resolve(ROOT, 'docker/nginx/house');
const READY_MS = 10_000;

export interface EdgePlan {
  readonly nginxPath: string;
  /** Ports of the processes behind. */
  readonly servers: readonly number[];
  readonly balance: 'sticky' | 'spread';
  /** PEM texts; without, there is no TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Other words in `locations.conf`: a test does not wait 75 seconds. */
  readonly changes?: Readonly<Record<string, string>>;
  /** A proxy in front, whose word counts about addresses. */
  readonly trustedProxy?: string;
}

/** A real nginx with the files of docker/nginx/house, which differ from what is shipped only in ports, paths and what the plan says. */
export class NginxEdge {
  private constructor(
    readonly port: number,
    readonly folder: string,
    private readonly child: Child,
    /** Of its metrics, where it has any. */
    readonly internalPort?: number,
  ) {}

  static async start(plan: EdgePlan): Promise<NginxEdge> {
    const folder = await mkdtemp(join(tmpdir(), 'droppio-nginx-'));
    // Its workers run as another user when it is started as root.
    await chmod(folder, 0o755);
    const port = await freePort();
    write(folder, port, await freePort(), plan);
    return NginxEdge.run(plan.nginxPath, folder, port);
  }

  /** One whose files are all in a folder, which goes when it stops: `nginx.conf`, `error.log` and `access.log` by these names. */
  static async run(nginxPath: string, folder: string, port: number, internalPort?: number): Promise<NginxEdge> {
    const config = ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')];
    execFileSync(nginxPath, ['-t', ...config], { stdio: 'pipe' });
    const edge = new NginxEdge(port, folder, startChild(nginxPath, [...config, '-g', 'daemon off;'], { family: true }), internalPort);
    await edge.listening();
    return edge;
  }

  /**
   * Other processes behind it from now on; resolves when newcomers go to them. Sockets that are open stay where they are, and nginx no longer counts
   * them: it spreads newcomers as if everybody were empty.
   */
  async point(servers: readonly number[]): Promise<void> {
    const before = this.workers();
    writeServers(this.folder, servers);
    this.child.process.kill('SIGHUP');
    const deadline = Date.now() + READY_MS;
    // The old ones take newcomers until they are told to go.
    while (before.some(isTaking) || this.workers().every((pid) => before.includes(pid))) {
      if (Date.now() > deadline) throw new Error(`nginx did not take its new servers:\n${this.errors()}`);
      await sleep(20);
    }
  }

  /** What it wrote about requests. Of a socket it does so when that ends. */
  log(): string {
    const file = join(this.folder, 'access.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  errors(): string {
    const file = join(this.folder, 'error.log');
    return (existsSync(file) ? readFileSync(file, 'utf8') : '') + this.child.output();
  }

  async stop(): Promise<void> {
    // SIGQUIT would wait for the sockets.
    await this.child.stop('SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
  }

  private workers(): readonly string[] {
    const { pid } = this.child;
    return readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
      .split(' ')
      .filter((text) => text !== '');
  }

  private async listening(): Promise<void> {
    const deadline = Date.now() + READY_MS;
    while (!(await answers(this.port))) {
      if (Date.now() > deadline) throw new Error(`nginx does not listen:\n${this.errors()}`);
      await sleep(20);
    }
  }
}

function isTaking(pid: string): boolean {
  try {
    return !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('shutting down');
  } catch {
    return false;
  }
}

function write(folder: string, port: number, plainPort: number, { servers, balance, tls, changes = {}, trustedProxy }: EdgePlan): void {
  const parts = join(folder, 'droppio');
  cpSync(FILES, parts, { recursive: true });
  const errors = { '/var/log/nginx/error.log': join(folder, 'error.log') };
  const locations = { ...errors, '/var/log/nginx/droppio.log': join(folder, 'access.log'), ...changes };
  edit(join(parts, 'locations.conf'), locations);
  edit(join(parts, 'plain.conf'), { 'listen 80 ': `listen 127.0.0.1:${String(port)} ` });
  edit(join(parts, 'tls.conf'), {
    'listen 443 ': `listen 127.0.0.1:${String(port)} `,
    'listen 80;': `listen 127.0.0.1:${String(plainPort)};`,
    ...errors,
    '/etc/nginx/droppio/': `${folder}/`,
  });
  const sample = '#   set_real_ip_from 203.0.113.7;';
  if (trustedProxy !== undefined) edit(join(parts, 'trusted-proxies.conf'), { [sample]: `set_real_ip_from ${trustedProxy};` });
  writeServers(folder, servers);
  if (tls !== undefined) {
    writeFileSync(join(folder, 'tls.crt'), tls.certificate);
    writeFileSync(join(folder, 'tls.key'), tls.key, { mode: 0o600 });
  }
  const main = join(folder, 'nginx.conf');
  cpSync(join(FILES, 'nginx.conf'), main);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(folder, name)};`);
  for (const name of ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(join(folder, name));
  edit(main, {
    'worker_processes auto': 'worker_processes 2',
    // Of the machine's limits this test is no judge.
    'worker_rlimit_nofile 131072;': '',
    'worker_connections 65535': 'worker_connections 4096',
    'pid /run/nginx.pid': `pid ${join(folder, 'nginx.pid')}`,
    ...errors,
    'http {': `http {\n  ${temporary.join('\n  ')}`,
    'upstream-sticky.conf;\n  # One': `upstream-${balance}.conf;\n  # One`,
    'include droppio/tls.conf': `include droppio/${tls === undefined ? 'plain' : 'tls'}.conf`,
  });
}

function writeServers(folder: string, ports: readonly number[]): void {
  const lines = readFileSync(join(FILES, 'servers.conf'), 'utf8').split('\n');
  const [sample = ''] = lines.filter((line) => line.startsWith('server '));
  const servers = ports.map((port) => sample.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${String(port)}`));
  writeFileSync(join(folder, 'droppio', 'servers.conf'), `${servers.join('\n')}\n`);
}

/** Every word must be there: a file that was changed must not leave a test that changes nothing. */
export function edit(file: string, words: Readonly<Record<string, string>>): void {
  let text = readFileSync(file, 'utf8');
  for (const [word, instead] of Object.entries(words)) {
    if (!text.includes(word)) throw new Error(`${file} has no "${word}"`);
    text = text.replaceAll(word, instead);
  }
  writeFileSync(file, text);
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => {
      done(false);
    });
  });
}
