import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../services/child.js';
import { ROOT } from './app-process.js';
import { edit, NginxEdge } from './nginx-edge.js';

const FILES = resolve(ROOT, 'docker/nginx');

export interface WebEdgePlan {
  readonly nginxPath: string;
  /** Ports of the gateways that the name in GATEWAY_HOST would stand for. */
  readonly gateways: readonly number[];
  readonly api: readonly number[];
  /** As in WEB_TRUSTED_PROXIES. */
  readonly trustedProxies?: string;
}

/**
 * A real nginx with the files of the web image. They differ from what is shipped in ports and folders; and since Debian's nginx cannot follow a
 * name (`resolve`), its upstreams list the addresses that the name would have.
 */
export async function startWebEdge({ nginxPath, gateways, api, trustedProxies = '' }: WebEdgePlan): Promise<NginxEdge> {
  const folder = await mkdtemp(join(tmpdir(), 'droppio-web-'));
  // Its workers run as another user when it is started as root.
  await chmod(folder, 0o755);
  const [port, internalPort] = [await freePort(), await freePort()];
  mkdirSync(join(folder, 'html/overlay'), { recursive: true });
  writeFileSync(join(folder, 'html/overlay/index.html'), 'the page');
  for (const name of ['nginx.conf', 'web.conf', 'metrics.conf']) copyFileSync(join(FILES, name), join(folder, name));
  const logs = { '/dev/stderr': join(folder, 'error.log') };
  edit(join(folder, 'nginx.conf'), {
    // First: the folder's own path begins with it.
    '/tmp/': `${folder}/`,
    ...logs,
    // Of the machine's limits this test is no judge.
    'worker_rlimit_nofile 131072;': '',
    'worker_connections 65535': 'worker_connections 4096',
    '/etc/nginx/web.conf': join(folder, 'web.conf'),
    '/etc/nginx/metrics.conf': join(folder, 'metrics.conf'),
  });
  edit(join(folder, 'web.conf'), {
    ...logs,
    'listen 8080 ': `listen 127.0.0.1:${String(port)} `,
    '/usr/share/nginx/html': join(folder, 'html'),
    '/dev/stdout': join(folder, 'access.log'),
  });
  edit(join(folder, 'metrics.conf'), { 'listen 9090;': `listen 127.0.0.1:${String(internalPort)};` });
  fillIn(folder, 'upstreams.conf', (text) => {
    const servers = (ports: readonly number[]): string => ports.map((each) => `server 127.0.0.1:${String(each)} max_fails=0;`).join('\n  ');
    return text
      .replace('${NGINX_LOCAL_RESOLVERS}', '127.0.0.1')
      .replace('server ${GATEWAY_HOST}:8081 resolve max_fails=0;', servers(gateways))
      .replace('server ${API_HOST}:8080 resolve max_fails=0;', servers(api));
  });
  const lines = trustedProxyLines(trustedProxies);
  fillIn(folder, 'trusted-proxies.conf', (text) => text.replace('${WEB_SET_REAL_IP_FROM}', lines));
  return NginxEdge.run(nginxPath, folder, port, internalPort);
}

/** What the image's entry point makes of WEB_TRUSTED_PROXIES; throws with its sentence when it makes nothing of it. */
export function trustedProxyLines(trustedProxies: string): string {
  return execFileSync('sh', ['-e', '-c', '. "$0"; printf %s "$WEB_SET_REAL_IP_FROM"', join(FILES, 'trusted-proxies.envsh')], {
    env: { ...process.env, WEB_TRUSTED_PROXIES: trustedProxies },
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

function fillIn(folder: string, name: string, change: (text: string) => string): void {
  const text = change(readFileSync(join(FILES, `${name}.template`), 'utf8'));
  if (text.includes('${')) throw new Error(`${name}.template has a word that nobody fills in:\n${text}`);
  writeFileSync(join(folder, name), text);
}
