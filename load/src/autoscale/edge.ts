import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { freePort, ROOT, startChild, type Child } from '@droppio/e2e/houses';

const ANSWER_MS = 10_000;

export interface Edge {
  readonly port: number;
  /** Ports on which gateways may appear. */
  readonly slots: readonly number[];
  stop(): Promise<void>;
}

/**
 * nginx with the shipped `docker/nginx/web.conf` before as many gateways as there may ever be. In a cluster a name is asked every few seconds for
 * those that are there; here their ports are known beforehand, and one on which nobody listens is passed over. So nothing is reloaded, and
 * least_conn never forgets what it has counted.
 */
export async function startEdge(nginxPath: string, folder: string, count: number): Promise<Edge> {
  const port = await freePort();
  const slots: number[] = [];
  while (slots.length < count) {
    const slot = await freePort();
    if (slot !== port && !slots.includes(slot)) slots.push(slot);
  }
  const shipped = await readFile(resolve(ROOT, 'docker/nginx/web.conf'), 'utf8');
  await writeFile(join(folder, 'web.conf'), here(shipped, port, folder));
  await writeFile(join(folder, 'nginx.conf'), configuration(slots, folder));
  const child = startChild(nginxPath, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { family: true });
  try {
    await answers(port, child);
  } catch (error) {
    await child.stop('SIGTERM').catch(() => child.stop('SIGKILL'));
    throw error;
  }
  return {
    port,
    slots,
    async stop() {
      await child.stop('SIGTERM').catch(() => child.stop('SIGKILL'));
    },
  };
}

/** What is of the container in it: its port and its folders. */
function here(shipped: string, port: number, folder: string): string {
  const changed = shipped
    .replace(/listen 8080\b/, `listen 127.0.0.1:${String(port)}`)
    .replaceAll('/usr/share/nginx/html', folder)
    .replace(/access_log \/dev\/stdout droppio;/, 'access_log off;')
    .replaceAll('/dev/stderr', 'stderr');
  for (const part of [`listen 127.0.0.1:${String(port)}`, 'location = /overlay {']) {
    if (!changed.includes(part)) throw new Error(`docker/nginx/web.conf is not what it was: it says nothing that becomes "${part}"`);
  }
  return changed;
}

const configuration = (slots: readonly number[], folder: string): string => `
worker_processes 2;
daemon off;
pid ${folder}/nginx.pid;
error_log stderr crit;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream gateways {
    zone gateways 256k;
    least_conn;
${slots.map((slot) => `    server 127.0.0.1:${String(slot)} max_fails=0;`).join('\n')}
  }
  upstream api { server 127.0.0.1:9; }
  include ${folder}/web.conf;
}
`;

async function answers(port: number, child: Child): Promise<void> {
  for (const deadline = Date.now() + ANSWER_MS; ;) {
    const isUp = await fetch(`http://127.0.0.1:${String(port)}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    if (Date.now() > deadline) throw new Error(`nginx does not answer:\n${child.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
