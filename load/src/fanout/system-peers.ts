import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startChild } from '@droppio/e2e/houses';
import { roomName, type Absent, type FanServer } from './server.js';

const START_MS = 10_000;
const NCHAN = '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** nginx with its nchan module, as Debian packs them. */
export function nchan(): FanServer | Absent {
  const name = 'nchan';
  const version = versionOf('nginx', ['-v']);
  if (version === undefined || !existsSync(NCHAN)) return { name, why: 'needs the packages nginx and libnginx-mod-nchan' };
  return {
    name,
    what: version,
    async start() {
      const folder = await mkdtemp(join(tmpdir(), 'droppio-nchan-'));
      const port = await freePort();
      await writeFile(join(folder, 'nginx.conf'), nginxConf(port));
      const child = startChild('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { family: true });
      const agent = new Agent({ keepAlive: true, maxSockets: 8 });
      await answers(port);
      const workers = childrenOf(child.pid);
      return {
        port,
        pids: [child.pid, ...workers],
        manners: { isBinary: false },
        door: (room) => ({ path: `/sub/${roomName(room)}` }),
        publish(room, text) {
          const post = request({ agent, port, host: '127.0.0.1', method: 'POST', path: `/pub/${roomName(room)}` }, (response) =>
            response.resume(),
          );
          post.on('error', (error) => {
            console.error(error);
          });
          post.end(text);
        },
        async stop() {
          agent.destroy();
          await child.stop('SIGTERM').catch(() => child.stop('SIGKILL'));
          await rm(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

const nginxConf = (port: number): string => `
load_module ${NCHAN};
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr crit;
worker_rlimit_nofile 20000;
events { worker_connections 19000; }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  nchan_shared_memory_size 512m;
  server {
    listen 127.0.0.1:${String(port)} backlog=4096;
    location ~ ^/sub/(\\w+)$ { nchan_subscriber websocket; nchan_channel_id $1; nchan_subscriber_first_message newest; }
    location ~ ^/pub/(\\w+)$ { nchan_publisher http; nchan_channel_id $1; nchan_message_buffer_length 1; }
    location / { return 204; }
  }
}
`;

/** NATS with its own WebSocket door, as Debian packs it. */
export function nats(): FanServer | Absent {
  const name = 'NATS';
  const version = versionOf('nats-server', ['--version']);
  if (version === undefined) return { name, why: 'needs the package nats-server' };
  return {
    name,
    what: version,
    async start() {
      const folder = await mkdtemp(join(tmpdir(), 'droppio-nats-'));
      const [port, webPort] = [await freePort(), await freePort()];
      const conf = join(folder, 'nats.conf');
      await writeFile(
        conf,
        `listen: "127.0.0.1:${String(port)}"\nping_interval: "60m"\nwebsocket { listen: "127.0.0.1:${String(webPort)}", no_tls: true, compression: false }\n`,
      );
      const child = startChild('nats-server', ['-c', conf]);
      await child.until(/Server is ready/, START_MS);
      const publisher = connect(port, '127.0.0.1');
      publisher.on('data', () => undefined);
      publisher.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
      return {
        port: webPort,
        pids: [child.pid],
        manners: { ready: 'PONG', isBinary: true },
        door: (room) => ({
          path: '/',
          says: `CONNECT {"verbose":false,"pedantic":false}\r\nSUB ${roomName(room)} 1\r\nPING\r\n`,
        }),
        publish: (room, text) => {
          publisher.write(`PUB ${roomName(room)} ${String(Buffer.byteLength(text))}\r\n${text}\r\n`);
        },
        async stop() {
          publisher.destroy();
          await child.stop('SIGKILL');
          await rm(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

function versionOf(program: string, args: readonly string[]): string | undefined {
  try {
    // nginx says it on its error channel.
    return execFileSync('sh', ['-c', `"$0" "$@" 2>&1`, program, ...args], { encoding: 'utf8', timeout: START_MS }).trim();
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').trim();
  return list === '' ? [] : list.split(' ').map(Number);
}

async function answers(port: number): Promise<void> {
  for (let deadline = Date.now() + START_MS; ;) {
    const isUp = await fetch(`http://127.0.0.1:${String(port)}/`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    if (Date.now() > deadline) throw new Error('nginx does not answer');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
